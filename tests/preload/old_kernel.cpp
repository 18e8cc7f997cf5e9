#include "preload/old_kernel.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "core/socket_options.h"

namespace portguard::test {
namespace {

/// Loads the low half of an argument of the call (little endian).
constexpr sock_filter load_argument(unsigned index) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                    static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8U * index));
}

/// Goes on with the next instruction where the loaded word is `value`, else over `skipped` of them.
constexpr sock_filter unless_equal_skip(std::uint32_t value, std::uint8_t skipped) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped);
}

template <std::size_t length>
void install(std::array<sock_filter, length> program) {
    const sock_fprog filter{static_cast<unsigned short>(length), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        throw std::runtime_error("no seccomp filter");
    }
}

} // namespace

void pretend_an_old_kernel() {
    install(std::array{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 1, 0),
        unless_equal_skip(SYS_getsockopt, 5),
        load_argument(1),
        unless_equal_skip(SOL_IP, 3),
        load_argument(2),
        unless_equal_skip(ip_local_port_range, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    });
}

void forbid_children_that_share_memory() {
    install(std::array{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        unless_equal_skip(SYS_clone, 3),
        load_argument(0),
        unless_equal_skip(CLONE_VM | CLONE_VFORK, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    });
}

void kill_for(long number) {
    install(std::array{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        unless_equal_skip(static_cast<std::uint32_t>(number), 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    });
}

} // namespace portguard::test
