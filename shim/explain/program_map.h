// /proc/PID/maps (proc_pid_maps(5)).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portguard {

struct Mapping {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    /// Of `start` in the file.
    std::uint64_t offset = 0;
    /// 0: no file.
    std::uint64_t inode = 0;
    bool is_writable = false;
    /// Without " (deleted)"; "[vdso]", "[stack]"; empty: memory of nothing.
    std::string path;
    bool is_deleted = false;

    [[nodiscard]] bool contains(std::uint64_t address) const { return start <= address && address < end; }
    [[nodiscard]] bool is_same_file(const Mapping& other) const {
        return inode == other.inode && path == other.path && is_deleted == other.is_deleted;
    }
};

/// In the order of their addresses. Lines that no kernel writes are left out.
std::vector<Mapping> parse_program_map(std::string_view text);

/// As above, from `fd`; empty where it cannot be read.
std::vector<Mapping> read_program_map(int fd);

} // namespace portguard
