// A call that waits for the supervisor: what the kernel tells of it, on every instruction set of this
// machine.
#pragma once

#include <cstdint>
#include <optional>

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "core/call.h"

namespace portguard::tools {

struct CallNumbers {
    unsigned socket;
    unsigned bind;
    unsigned listen;
    /// By which a thread enters another network.
    unsigned setns;
    unsigned unshare;
};
inline constexpr CallNumbers native_calls{SYS_socket, SYS_bind, SYS_listen, SYS_setns, SYS_unshare};

/// landlock_restrict_self(2), the same everywhere.
inline constexpr unsigned landlock_call = 446;
/// io_uring_setup(2), likewise.
inline constexpr unsigned io_uring_call = 425;

/// Of the other word size.
struct ForeignCalls {
    unsigned arch;
    CallNumbers calls;
    /// 0: none.
    unsigned socketcall;
};
#if defined(__x86_64__)
inline constexpr unsigned native_arch = AUDIT_ARCH_X86_64;
inline constexpr unsigned x32_bit = 0x40000000;
inline constexpr ForeignCalls foreign_calls{AUDIT_ARCH_I386, {359, 361, 363, 346, 310}, 102};
#elif defined(__aarch64__)
inline constexpr unsigned native_arch = AUDIT_ARCH_AARCH64;
inline constexpr unsigned x32_bit = 0;
inline constexpr ForeignCalls foreign_calls{AUDIT_ARCH_ARM, {281, 282, 284, 375, 337}, 0};
#elif defined(__i386__)
inline constexpr unsigned native_arch = AUDIT_ARCH_I386;
inline constexpr unsigned x32_bit = 0;
inline constexpr ForeignCalls foreign_calls{AUDIT_ARCH_I386, native_calls, 102};
#endif

enum class Wish : std::uint8_t { socket, bind, listen, network, landlock, io_uring, other };

struct Request {
    Wish wish = Wish::other;
    std::uint64_t arguments[3] = {};
    bool is_foreign = false;
};

/// Of bind(2).
struct PassedAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// False: its length or its pointer is wrong, which the kernel says as well, or the memory of the thread may
/// not be read.
bool read_passed_address(pid_t tid, const Request& request, PassedAddress& address);

/// Nothing: its arguments lie in memory that cannot be read.
std::optional<Request> read_request(const seccomp_notif& notification);

} // namespace portguard::tools
