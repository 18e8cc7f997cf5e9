#include "tools/repro/scene_process.h"

#include <array>
#include <cerrno>
#include <cstddef>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/holders.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const char* what) {
    throw Refusal(ExitCode::findings, std::string(what) + " cannot be taken from the asking process (" +
                                          describe_errno(errno) + ")");
}

/// From the bounding set, so that exec(2) as root does not bring it back, and from all others.
void drop_bind_service() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    if (::prctl(PR_CAPBSET_READ, CAP_NET_BIND_SERVICE) == 1 &&
        ::prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE) != 0) {
        refuse("CAP_NET_BIND_SERVICE");
    }
    if (::syscall(SYS_capget, &header, sets.data()) != 0) {
        refuse("CAP_NET_BIND_SERVICE");
    }
    const std::uint32_t others = ~(1U << CAP_NET_BIND_SERVICE);
    sets[0].effective &= others;
    sets[0].permitted &= others;
    sets[0].inheritable &= others;
    if (::syscall(SYS_capset, &header, sets.data()) != 0) {
        refuse("CAP_NET_BIND_SERVICE");
    }
}

/// As systemd's RestrictAddressFamilies= would: socket(AF_NETLINK) is EPERM.
void forbid_netlink() {
    std::array<sock_filter, 6> code{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{code.size(), code.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        refuse("NETLINK_SOCK_DIAG");
    }
}

} // namespace

void enter_asking_process(const Scene& scene, bool other_users) {
    if (scene.kind == EventKind::privileged) {
        drop_bind_service();
    }
    if (other_users && scene.uid.has_value()) {
        become(*scene.uid);
    }
    if (scene.is_blind) {
        forbid_netlink();
    }
}

} // namespace portguard::tools
