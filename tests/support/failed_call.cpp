#include "support/failed_call.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace portguard::test {
namespace {

Fd made(int fd, const char* what) {
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), what);
    }
    return Fd(fd);
}

void take_registers(const ucontext_t& context, Snapshot& snapshot) {
#if defined(__x86_64__)
    constexpr std::array by_number{REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                   REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                   REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    snapshot.machine = machine_x86_64;
    for (std::size_t number = 0; number < by_number.size(); ++number) {
        snapshot.registers[number] = static_cast<std::uint64_t>(context.uc_mcontext.gregs[by_number[number]]);
    }
#elif defined(__aarch64__)
    snapshot.machine = machine_aarch64;
    std::copy(std::begin(context.uc_mcontext.regs), std::end(context.uc_mcontext.regs), snapshot.registers);
    snapshot.registers[31] = context.uc_mcontext.sp;
    snapshot.registers[32] = context.uc_mcontext.pc;
#elif defined(__i386__)
    constexpr std::array by_number{REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP,
                                   REG_EBP, REG_ESI, REG_EDI, REG_EIP};
    snapshot.machine = machine_i386;
    for (std::size_t number = 0; number < by_number.size(); ++number) {
        snapshot.registers[number] = static_cast<std::uint32_t>(context.uc_mcontext.gregs[by_number[number]]);
    }
#endif
}

Fd memory_file(const char* name) {
    return made(memfd_create(name, MFD_CLOEXEC), "memfd_create");
}

std::string contents_of(const Fd& file) {
    std::string text;
    // Not on the stack, which may be a coroutine's.
    std::vector<char> piece(65536);
    ssize_t length = 0;
    while ((length = pread(file.get(), piece.data(), piece.size(), static_cast<off_t>(text.size()))) > 0) {
        text.append(piece.data(), static_cast<std::size_t>(length));
    }
    return text;
}

/// Descriptors of the helper by their number there; -1: closed.
using Handed = std::array<int, snapshot_memory_fd + 1>;

[[noreturn]] void become_helper(const Handed& handed, const FailedCall& call, const char* helper) {
    constexpr int above_all = 100;
    Handed kept = handed;
    for (int& fd : kept) {
        fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, above_all);
    }
    for (int number = 0; number <= snapshot_memory_fd; ++number) {
        const int fd = kept[static_cast<std::size_t>(number)];
        if (fd < 0) {
            close(number);
        } else {
            dup2(fd, number);
        }
    }
    if (call.before_exec) {
        call.before_exec();
    }
    const std::array<const char*, 2> arguments{"portguard-explain", nullptr};
    const char* const nothing = nullptr;
    execve(helper, const_cast<char* const*>(arguments.data()), const_cast<char* const*>(&nothing));
    _exit(127);
}

Explanation run(const Fd& snapshot, const FailedCall& call, const char* helper) {
    const Fd output = memory_file("stderr");
    // As a log: a plain file of the program's own would not be written to.
    fcntl(output.get(), F_SETFL, O_APPEND);
    const Fd maps = made(open("/proc/self/maps", O_RDONLY | O_CLOEXEC), "/proc/self/maps");
    const Fd memory = made(open("/proc/self/mem", O_RDONLY | O_CLOEXEC), "/proc/self/mem");
    const Handed handed{
        -1, -1, output.get(), snapshot.get(), call.socket, maps.get(), call.has_memory ? memory.get() : -1};
    const pid_t child = fork();
    if (child == 0) {
        become_helper(handed, call, helper);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents_of(output)};
}

void write_look(const std::vector<std::byte>& look, Snapshot& snapshot, const Fd& file) {
    snapshot.has_look = true;
    snapshot.look_bytes = static_cast<std::uint32_t>(look.size());
    const auto behind = static_cast<off_t>(sizeof snapshot + snapshot.stack_bytes);
    if (pwrite(file.get(), look.data(), look.size(), behind) != static_cast<ssize_t>(look.size())) {
        throw std::system_error(errno, std::generic_category(), "pwrite");
    }
}

/// The snapshot, and then the stack: pwrite(2) stops where the mapping ends.
void write_snapshot(const FailedCall& call, const ucontext_t& context, const Fd& file) {
    Snapshot snapshot = call.snapshot;
    take_registers(context, snapshot);
    snapshot.has_memory = call.has_memory;
    // As wide as an argument of syscall(2).
    const ssize_t copied = syscall(SYS_pwrite64, file.get(), static_cast<long>(stack_pointer_of(snapshot)),
                                   call.copied_stack, off_t{sizeof snapshot});
    snapshot.stack_bytes = static_cast<std::uint32_t>(std::max<ssize_t>(copied, 0));
    if (call.look.has_value()) {
        write_look(*call.look, snapshot, file);
    }
    if (pwrite(file.get(), &snapshot, sizeof snapshot, 0) != ssize_t{sizeof snapshot}) {
        throw std::system_error(errno, std::generic_category(), "pwrite");
    }
}

} // namespace

FailedCall::FailedCall(const Fd& asking, const Address& asked) : socket(asking.get()) {
    snapshot.facts = SocketFacts::of(Protocol::tcp);
    snapshot.stderr_is_ours = true;
    snapshot.fd = asking.get();
    snapshot.error = EADDRINUSE;
    snapshot.pid = getpid();
    snapshot.tid = gettid();
    snapshot.address_length = asked.length;
    std::memcpy(snapshot.address, &asked.storage, asked.length);
    std::strcpy(snapshot.program, "victim");
}

Explanation explain(const FailedCall& call, const ucontext_t& context, const char* helper) {
    const Fd file = memory_file("snapshot");
    write_snapshot(call, context, file);
    return run(file, call, helper);
}

Explanation explain_bytes(const std::string& bytes, const FailedCall& call, const char* helper) {
    const Fd file = memory_file("snapshot");
    if (write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
        throw std::system_error(errno, std::generic_category(), "write");
    }
    return run(file, call, helper);
}

std::string bytes_of(const FailedCall& call, const ucontext_t& context) {
    const Fd file = memory_file("snapshot");
    write_snapshot(call, context, file);
    return contents_of(file);
}

} // namespace portguard::test
