#include "tools/supervise/filter.h"

#include <cerrno>
#include <cstddef>
#include <initializer_list>

#include <linux/audit.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/socket_options.h"
#include "kernel/judged_call.h"
#include "tools/supervise/request.h"

namespace portguard::tools {
namespace {

using Code = std::vector<sock_filter>;

constexpr sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
constexpr sock_filter notify = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
constexpr sock_filter no_such_call = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);

constexpr sock_filter load(std::size_t offset) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
}

/// The low half: the kernel takes no more of an int. Little-endian, as all machines that we know.
constexpr sock_filter load_argument(std::size_t index) {
    return load(offsetof(seccomp_data, args) + index * sizeof(__u64));
}

constexpr sock_filter skip_unless(unsigned value, std::size_t length) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<unsigned char>(length));
}

void append(Code& code, const Code& more) {
    code.insert(code.end(), more.begin(), more.end());
}

/// Goes on behind where the accumulator is one of `values`, and passes the call elsewhere.
void require_one_of(Code& code, std::initializer_list<unsigned> values) {
    std::size_t left = values.size();
    for (const unsigned value : values) {
        code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, static_cast<unsigned char>(left), 0));
        --left;
    }
    code.push_back(pass);
}

/// Passes a call that has the mark of judged_call(): with 64-bit registers in the sixth argument, with those
/// of 32 its low half in the fifth.
Code judged_block(bool has_long_registers) {
    constexpr std::size_t fifth = 4;
    constexpr std::size_t sixth = 5;
    const sock_filter load_high =
        has_long_registers ? load(offsetof(seccomp_data, args) + sixth * sizeof(__u64) + sizeof(__u32))
                           : load_argument(sixth);
    return {load_argument(has_long_registers ? sixth : fifth),
            skip_unless(static_cast<unsigned>(judged_mark & 0xffffffff), 3), load_high,
            skip_unless(static_cast<unsigned>(judged_mark >> 32), 1), pass};
}

/// Of the sockets for which the plan has a range. All three arguments are registers.
Code socket_block() {
    constexpr unsigned socket_type_mask = 0xf;
    Code code{load_argument(0)};
    require_one_of(code, {AF_INET, AF_INET6});
    append(code, {load_argument(1), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, socket_type_mask)});
    require_one_of(code, {SOCK_STREAM, SOCK_DGRAM});
    code.push_back(load_argument(2));
    require_one_of(code, {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_MPTCP});
    code.push_back(notify);
    return code;
}

/// With the number of the call in the accumulator.
void notify_of(Code& code, unsigned number) {
    append(code, {skip_unless(number, 1), notify});
}

/// With the number of the call in the accumulator; `block` does not come back.
void append_block(Code& code, unsigned number, const Code& block) {
    code.push_back(skip_unless(number, block.size()));
    append(code, block);
}

void append_calls(Code& code, const CallNumbers& numbers, const FilterPlan& plan, bool has_long_registers) {
    const Code judged = judged_block(has_long_registers);
    Code unless_judged = judged;
    unless_judged.push_back(notify);
    append_block(code, numbers.bind, unless_judged);
    append_block(code, numbers.listen, unless_judged);
    notify_of(code, numbers.setns);
    notify_of(code, numbers.unshare);
    notify_of(code, landlock_call);
    append_block(code, io_uring_call, {plan.refuses_io_uring ? no_such_call : notify});
    if (plan.traps_socket) {
        Code block = judged;
        append(block, socket_block());
        append_block(code, numbers.socket, block);
    }
}

/// socketcall(2) of i386, whose arguments lie in memory: which call it is, is a register.
Code socketcall_block(bool traps_socket) {
    Code code{load_argument(0)};
    for (const int call : {SYS_BIND, SYS_LISTEN}) {
        notify_of(code, static_cast<unsigned>(call));
    }
    if (traps_socket) {
        notify_of(code, SYS_SOCKET);
    }
    code.push_back(pass);
    return code;
}

Code native_block(const FilterPlan& plan) {
    Code code{load(offsetof(seccomp_data, nr))};
#if defined(__x86_64__)
    // x32 has the same numbers, with a bit set.
    code.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~x32_bit));
#endif
    append_calls(code, native_calls, plan, sizeof(long) == sizeof(__u64));
    code.push_back(pass);
    return code;
}

Code foreign_block(const ForeignCalls& foreign, const FilterPlan& plan) {
    Code code{load(offsetof(seccomp_data, nr))};
    if (foreign.socketcall != 0) {
        append_block(code, foreign.socketcall, socketcall_block(plan.traps_socket));
    }
    append_calls(code, foreign.calls, plan, false);
    code.push_back(pass);
    return code;
}

int try_filter(const sock_fprog& program, unsigned long flags) {
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

} // namespace

std::vector<sock_filter> supervising_filter(const FilterPlan& plan) {
    Code code{load(offsetof(seccomp_data, arch))};
    append_block(code, native_arch, native_block(plan));
    append_block(code, foreign_calls.arch, foreign_block(foreign_calls, plan));
    code.push_back(pass);
    return code;
}

InstalledFilter install_filter(const std::vector<sock_filter>& filter) {
    const sock_fprog program{static_cast<unsigned short>(filter.size()),
                             const_cast<sock_filter*>(filter.data())};
    // Linux 5.19. A call that has been received is not begun again by a signal then: Go's runtime sends
    // itself one every 10 ms.
    constexpr unsigned long wait_killable_recv = 1UL << 5;
    InstalledFilter installed;
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | wait_killable_recv;
    for (;;) {
        installed.listener = try_filter(program, flags);
        if (installed.listener >= 0) {
            return installed;
        }
        installed.error = errno;
        if (installed.error == EACCES && !installed.took_no_new_privs &&
            ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
            installed.took_no_new_privs = true;
        } else if (installed.error == EINVAL && (flags & wait_killable_recv) != 0) {
            flags &= ~wait_killable_recv;
        } else {
            return installed;
        }
    }
}

} // namespace portguard::tools
