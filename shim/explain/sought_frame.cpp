#include "explain/sought_frame.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

namespace portguard {
namespace {

template <typename Value>
std::optional<Value> read_value(ProgramMemory& memory, std::uint64_t address) {
    Value value{};
    return memory.read(address, std::as_writable_bytes(std::span(&value, 1))) ? std::optional(value)
                                                                              : std::nullopt;
}

/// The instruction before `after` is a call of `function` (Intel SDM, CALL rel32).
bool is_call_of(ProgramMemory& memory, std::uint64_t after, std::uint64_t function) {
    constexpr std::uint64_t length = 5;
    constexpr std::uint8_t call_relative = 0xe8;
    if (memory.mapping_of(after) == nullptr || memory.is_of_stack(after) ||
        read_value<std::uint8_t>(memory, after - length) != call_relative) {
        return false;
    }
    const auto offset = read_value<std::int32_t>(memory, after - sizeof(std::int32_t));
    return offset.has_value() &&
           after + static_cast<std::uint64_t>(static_cast<std::int64_t>(*offset)) == function;
}

} // namespace

std::optional<std::uint64_t> seek_frame_pointer(ProgramMemory& memory, std::uint64_t stack_pointer,
                                                std::uint64_t function) {
    constexpr std::uint64_t word = 8;
    constexpr std::uint64_t longest_frame = 16384;
    std::uint64_t at = (stack_pointer + word - 1) / word * word;
    for (const std::uint64_t end = at + longest_frame; at < end; at += word) {
        const auto after = read_value<std::uint64_t>(memory, at + word);
        if (!after.has_value()) {
            return std::nullopt;
        }
        if (is_call_of(memory, *after, function)) {
            return at;
        }
    }
    return std::nullopt;
}

} // namespace portguard
