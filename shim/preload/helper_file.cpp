#include "preload/helper_file.h"

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/helper_place.h"
#include "core/number.h"
#include "core/text.h"
#include "kernel/kernel_call.h"

namespace portguard::helper_file {
namespace {

/// A line of /proc/PID/maps (proc(5)): "55d0a000-55d0b000 r-xp 00001000 fe:01 1234   /usr/lib/x.so".
struct MapsLine {
    /// "fe:01 1234": device and inode, as the kernel writes both.
    std::string_view file;
    std::string_view path;
};

bool covers(std::string_view& line, std::uintptr_t address) {
    constexpr unsigned base = 16;
    const auto start = take_number<std::uintptr_t>(line, base);
    if (!start.has_value() || !line.starts_with('-')) {
        return false;
    }
    line.remove_prefix(1);
    const auto end = take_number<std::uintptr_t>(line, base);
    return end.has_value() && *start <= address && address < *end;
}

/// `line` from behind the addresses on.
MapsLine parse(std::string_view line) {
    line = trimmed(line);
    next_field(line, ' '); // permissions
    next_field(line, ' '); // offset
    MapsLine parsed;
    const char* const begin = line.data();
    next_field(line, ' ');
    const std::string_view inode = next_field(line, ' ');
    parsed.file = {begin, static_cast<std::size_t>(inode.data() + inode.size() - begin)};
    parsed.path = trimmed(line);
    return parsed;
}

/// The line that covers `address`, its text in `buffer`. False: there is none, or it does not fit.
bool find_line(std::uintptr_t address, std::span<char> buffer, MapsLine& found) {
    const long fd = kernel_call(SYS_openat, AT_FDCWD, as_argument("/proc/self/maps"), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    std::size_t used = 0;
    bool is_found = false;
    while (!is_found) {
        const long count = kernel_call(SYS_read, fd, as_argument(buffer.data() + used),
                                       static_cast<long>(buffer.size() - used));
        if (count <= 0) {
            break;
        }
        std::string_view text(buffer.data(), used + static_cast<std::size_t>(count));
        while (!is_found && text.find('\n') != std::string_view::npos) {
            std::string_view line = next_field(text, '\n');
            if (covers(line, address)) {
                found = parse(line);
                is_found = true;
            }
        }
        if (!is_found) {
            std::memmove(buffer.data(), text.data(), text.size());
            used = text.size();
        }
    }
    kernel_call(SYS_close, fd);
    return is_found;
}

bool file_status(int fd, struct stat& status) {
    return kernel_call(call_fstat, fd, as_argument(&status)) == 0;
}

/// As makedev(3) of glibc and musl puts them together; libc's own functions would be two names to look up in
/// every exec.
constexpr std::uint64_t major_of(dev_t device) {
    return (device >> 8 & 0xfff) | (device >> 32 & 0xfffff000);
}
constexpr std::uint64_t minor_of(dev_t device) {
    return (device & 0xff) | (device >> 12 & 0xffffff00);
}

/// As the kernel writes it into maps (show_map_vma, fs/proc/task_mmu.c).
void print_file(const struct stat& status, TextWriter& out) {
    const auto add_two_digits = [&out](std::uint64_t value) {
        Text<20> digits;
        digits.add_hex(value);
        out.add(digits.view().size() < 2 ? "0" : "").add(digits.view());
    };
    add_two_digits(major_of(status.st_dev));
    out.add(':');
    add_two_digits(minor_of(status.st_dev));
    out.add(' ').add_number(status.st_ino);
}

/// Where stat(2) and maps name devices differently (btrfs, overlayfs), a mapping of the file shows what maps
/// calls it.
bool is_same_when_mapped(int fd, std::string_view wanted, std::span<char> buffer) {
    constexpr long length = 4096;
    const long mapped = kernel_call(call_mmap, 0, length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (is_error(mapped)) {
        return false;
    }
    MapsLine line;
    const bool same = find_line(static_cast<std::uintptr_t>(mapped), buffer, line) && line.file == wanted;
    kernel_call(SYS_munmap, mapped, length);
    return same;
}

/// The file under the library's path is the library that is mapped.
bool is_mapped_library(int fd, const struct stat& status, std::string_view wanted, std::span<char> buffer) {
    Text<64> file;
    print_file(status, file);
    return file.view() == wanted || is_same_when_mapped(fd, wanted, buffer);
}

/// Of the mount that the descriptor's file lies on; 0: the kernel does not say (before Linux 5.8).
std::uint64_t mount_of(int fd) {
    struct statx extended {};
    // STATX_MNT_ID (linux/stat.h), which older headers do not have.
    constexpr unsigned mount_id = 0x1000;
    const long result =
        kernel_call(SYS_statx, fd, as_argument(""), AT_EMPTY_PATH, mount_id, as_argument(&extended));
    // stx_mnt_id stands behind stx_dev_minor.
    std::uint64_t mount = 0;
    static_assert(offsetof(struct statx, stx_dev_minor) == 0x8c);
    std::memcpy(&mount, reinterpret_cast<const char*>(&extended) + 0x90, sizeof mount);
    return result == 0 && (extended.stx_mask & mount_id) != 0 ? mount : 0;
}

/// Whoever may write to it could be anybody: not more than the library itself, which runs in this process
/// already.
bool is_trusted(const struct stat& helper, const struct stat& library) {
    constexpr mode_t writable = S_IWGRP | S_IWOTH;
    return S_ISREG(helper.st_mode) && (helper.st_uid == library.st_uid || helper.st_uid == 0) &&
           (helper.st_mode & writable & ~library.st_mode) == 0 && (helper.st_mode & S_IWOTH) == 0;
}

/// `folder` holds the library's path up to the last '/'. Negative: it is in none of the places.
long open_in(std::string_view folder) {
    long fd = -ENOENT;
    for (const char* const place : helper_places) {
        Text<PATH_MAX> path;
        path.add(folder).add(place).add('\0');
        if (fd < 0 && !path.truncated()) {
            fd = kernel_call(SYS_openat, AT_FDCWD, as_argument(path.view().data()),
                             O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        }
    }
    return fd;
}

int open_beside(int library, const struct stat& library_status, std::string_view folder, const char*& why) {
    const long fd = open_in(folder);
    if (fd < 0) {
        why = "portguard-explain is not beside the library, or cannot be opened";
        return -1;
    }
    const int helper = static_cast<int>(fd);
    struct stat status {};
    if (!file_status(helper, status) || status.st_dev != library_status.st_dev ||
        mount_of(helper) != mount_of(library) || !is_trusted(status, library_status)) {
        kernel_call(SYS_close, helper);
        why = "portguard-explain beside the library is of another mount or owner, or others may write to it";
        return -1;
    }
    return helper;
}

} // namespace

int open(std::span<char> buffer, const char*& why) {
    MapsLine own;
    if (!find_line(reinterpret_cast<std::uintptr_t>(&open), buffer, own) || !own.path.starts_with('/')) {
        why = "/proc/self/maps does not say where the library lies";
        return -1;
    }
    Text<64> mapped_file;
    mapped_file.add(own.file);
    Text<PATH_MAX> path;
    path.add(own.path).add('\0');
    const long library = path.truncated() ? -1
                                          : kernel_call(SYS_openat, AT_FDCWD, as_argument(path.view().data()),
                                                        O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status {};
    const int fd = static_cast<int>(library);
    const bool is_ours =
        fd >= 0 && file_status(fd, status) && is_mapped_library(fd, status, mapped_file.view(), buffer);
    if (!is_ours) {
        kernel_call(SYS_close, fd);
        why = "another file lies where the library was";
        return -1;
    }
    const std::string_view whole(path.view().data(), path.view().size() - 1);
    const std::string_view folder(whole.data(), whole.size() - base_name(whole).size());
    const int helper = open_beside(fd, status, folder, why);
    kernel_call(SYS_close, fd);
    return helper;
}

} // namespace portguard::helper_file
