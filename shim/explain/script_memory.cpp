#include "explain/script_memory.h"

#include <algorithm>

namespace portguard {

bool ScriptMemory::read(std::uint64_t address, std::span<std::byte> out) {
    if (address == 0 || is_exhausted()) {
        return false;
    }
    ++reads_;
    return read_(address, out);
}

std::vector<std::byte> ScriptMemory::bytes(std::uint64_t address, std::size_t length) {
    std::vector<std::byte> read_bytes(length);
    return read(address, read_bytes) ? read_bytes : std::vector<std::byte>{};
}

std::string ScriptMemory::text(std::uint64_t address, std::size_t length) {
    std::string read_text(length, '\0');
    return read(address, std::as_writable_bytes(std::span(read_text))) ? read_text : std::string{};
}

std::string ScriptMemory::ended_text(std::uint64_t address, std::size_t longest) {
    constexpr std::size_t at_once = 64;
    constexpr std::size_t page_size = 4096;
    std::string whole;
    while (whole.size() < longest) {
        const std::uint64_t at = address + whole.size();
        // The page behind the one that it ends in may be none.
        const std::string part = text(at, std::min<std::size_t>(at_once, page_size - at % page_size));
        if (part.empty()) {
            return {};
        }
        const std::size_t end = part.find('\0');
        whole += part.substr(0, end);
        if (end != std::string::npos) {
            return whole;
        }
    }
    return {};
}

} // namespace portguard
