#include "preload/taken_along.h"

#include <cstddef>
#include <cstring>
#include <string_view>

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "core/text.h"
#include "kernel/kernel_call.h"
#include "preload/calls_out.h"

namespace portguard {
namespace {

/// The desc of the note "Linux" (arch/x86/entry/vdso/vdso-note.S, arch/arm64/kernel/vdso/note.S); 0: there is
/// none.
KernelVersion version_in(const char* note, std::size_t length) {
    constexpr std::string_view name("Linux\0", 6);
    const auto padded = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
    ElfW(Nhdr) header;
    while (length >= sizeof header) {
        std::memcpy(&header, note, sizeof header);
        const std::size_t desc = sizeof header + padded(header.n_namesz);
        const std::size_t whole = desc + padded(header.n_descsz);
        KernelVersion version = 0;
        if (whole > length) {
            break;
        }
        if (header.n_type == 0 && header.n_descsz == sizeof version &&
            std::string_view(note + sizeof header, header.n_namesz) == name) {
            std::memcpy(&version, note + desc, sizeof version);
            return version;
        }
        note += whole;
        length -= whole;
    }
    return 0;
}

/// A filter of system calls is in force, by the process's status (proc_pid_status(5)).
bool has_seccomp_filter(std::string_view status) {
    return status.find("\nSeccomp:\t2") != std::string_view::npos;
}

bool is_filtered(std::span<char> buffer) {
    const long fd =
        kernel_call(SYS_openat, AT_FDCWD, as_argument("/proc/thread-self/status"), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return true;
    }
    const long length =
        kernel_call(SYS_read, fd, as_argument(buffer.data()), static_cast<long>(buffer.size()));
    kernel_call(SYS_close, fd);
    return length <= 0 || has_seccomp_filter({buffer.data(), static_cast<std::size_t>(length)});
}

} // namespace

PORTGUARD_CALLS_OUT KernelVersion kernel_version() {
    const auto* const vdso = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
    if (vdso == nullptr) {
        return 0;
    }
    ElfW(Ehdr) header;
    std::memcpy(&header, vdso, sizeof header);
    for (unsigned index = 0; index < header.e_phnum; ++index) {
        ElfW(Phdr) segment;
        std::memcpy(&segment, vdso + header.e_phoff + index * sizeof segment, sizeof segment);
        if (segment.p_type == PT_NOTE) {
            if (const KernelVersion version = version_in(vdso + segment.p_offset, segment.p_filesz);
                version != 0) {
                return version;
            }
        }
    }
    return 0;
}

bool may_be_taken_along(std::span<char> buffer) {
    return kernel_version() < PORTGUARD_FIRST_KERNEL_THAT_SPARES && is_filtered(buffer);
}

} // namespace portguard
