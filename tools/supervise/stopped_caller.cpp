// What a thread that waits in a system call has in its registers and on its stack.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <elf.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/number.h"
#include "kernel/judged_call.h"
#include "kernel/proc.h"
#include "kernel/syscalls.h"
#include "preload/registers.h"
#include "tools/supervise/caller.h"

namespace portguard::tools {

std::uint16_t Caller::machine() const {
    if (!is_foreign_) {
        return own_machine;
    }
    // At the same place whatever the word size.
    const Syscalls syscalls;
    const ScopedFd program(::open(ProcPath(tid_, "exe").c_str(), O_RDONLY | O_CLOEXEC), syscalls);
    std::uint16_t machine = 0;
    const bool is_read =
        ::pread(program.get(), &machine, sizeof machine, offsetof(Elf64_Ehdr, e_machine)) == sizeof machine;
    return is_read ? machine : std::uint16_t{0};
}

std::optional<StoppedAt> Caller::stopped_at() const {
    // The number, six arguments, the stack pointer and the program counter (proc_pid_syscall(5)).
    constexpr std::size_t longest = 256;
    constexpr unsigned hexadecimal = 16;
    const std::string text =
        read_text_file(ProcPath(tid_, "syscall").c_str(), longest, Syscalls{}).value_or("");
    std::string_view rest = text;
    rest.remove_prefix(std::min(rest.size(), rest.find(' ') + 1));
    const auto take = [&rest] {
        rest.remove_prefix(std::min<std::size_t>(rest.size(), 2)); // "0x"
        const auto number = take_number<std::uint64_t>(rest, hexadecimal);
        rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
        return number.value_or(0);
    };
    StoppedAt at;
    for (std::uint64_t& argument : at.arguments) {
        argument = take();
    }
    at.stack = take();
    at.code = take();
    return at.stack != 0 ? std::optional(at) : std::nullopt;
}

bool Caller::is_judged() const {
    // An interceptor of a sanitizer has some 600 bytes.
    constexpr std::size_t piece = 4096;
    const std::optional<StoppedAt> at = stopped_at();
    if (!at.has_value()) {
        return false;
    }
    std::array<char, 2 * piece> bytes;
    // A piece a page: what is read ends where the stack does.
    std::array<iovec, 3> there{};
    std::size_t length = 0;
    for (iovec& one : there) {
        one.iov_base = reinterpret_cast<void*>(static_cast<std::uintptr_t>(at->stack + length));
        one.iov_len = std::min(piece - (at->stack + length) % piece, bytes.size() - length);
        length += one.iov_len;
    }
    const iovec here{bytes.data(), bytes.size()};
    const ssize_t read = ::process_vm_readv(tid_, &here, 1, there.data(), there.size(), 0);
    const std::string_view stack(bytes.data(), read > 0 ? static_cast<std::size_t>(read) : 0);
    std::array<char, sizeof judged_mark> mark;
    std::memcpy(mark.data(), &judged_mark, sizeof judged_mark);
    return stack.find(std::string_view(mark.data(), mark.size())) != std::string_view::npos;
}

} // namespace portguard::tools
