// The memory of a program, for whoever follows its interpreter's pointers: so many reads, and no more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernel/deadline.h"

namespace portguard {

class ScriptMemory {
public:
    /// Of 32 frames of Python 300 are needed, of as many Java frames 1,500.
    static constexpr std::size_t most_reads = 2000;

    /// False: not all of it is to be had.
    using Read = std::function<bool(std::uint64_t address, std::span<std::byte> out)>;

    ScriptMemory(Read read, const Deadline& deadline) : read_(std::move(read)), deadline_(deadline) {}

    /// False as well once there were most_reads, or the deadline has passed.
    bool read(std::uint64_t address, std::span<std::byte> out);

    template <typename Value>
    std::optional<Value> value(std::uint64_t address) {
        Value value{};
        return read(address, std::as_writable_bytes(std::span(&value, 1))) ? std::optional(value)
                                                                           : std::nullopt;
    }
    /// Null where it cannot be had: what is read from there cannot be either.
    std::uint64_t pointer(std::uint64_t address) { return value<std::uint64_t>(address).value_or(0); }
    /// Empty: not to be had.
    std::vector<std::byte> bytes(std::uint64_t address, std::size_t length);
    /// As bytes(), as text.
    std::string text(std::uint64_t address, std::size_t length);
    /// Up to a NUL; empty: there is none within `longest`.
    std::string ended_text(std::uint64_t address, std::size_t longest);

    [[nodiscard]] std::size_t reads() const { return reads_; }
    [[nodiscard]] bool is_exhausted() const { return reads_ >= most_reads || deadline_.passed(); }

private:
    Read read_;
    const Deadline& deadline_;
    std::size_t reads_ = 0;
};

/// One object of the program's, read at once: what its members are is taken from the copy.
class MemoryRecord {
public:
    MemoryRecord(ScriptMemory& memory, std::uint64_t address, std::size_t length)
        : bytes_(memory.bytes(address, length)) {}

    [[nodiscard]] bool is_there() const { return !bytes_.empty(); }
    /// 0 where it is not there.
    template <typename Value>
    [[nodiscard]] Value at(std::size_t offset) const {
        return value_in<Value>(offset);
    }
    [[nodiscard]] std::uint64_t pointer(std::size_t offset) const { return value_in<std::uint64_t>(offset); }

private:
    template <typename Value>
    [[nodiscard]] Value value_in(std::size_t offset) const {
        Value value{};
        if (offset <= bytes_.size() && bytes_.size() - offset >= sizeof value) {
            std::copy_n(bytes_.data() + offset, sizeof value,
                        std::as_writable_bytes(std::span(&value, 1)).data());
        }
        return value;
    }

    std::vector<std::byte> bytes_;
};

} // namespace portguard
