#include "tools/rescue/rescue_sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "explain/rescue_chance.h"
#include "explain/sentence.h"
#include "kernel/borrow_refusal.h"
#include "kernel/pidfd.h"
#include "kernel/sock_destroy.h"
#include "kernel/socket_option.h"

namespace portguard::tools {
namespace {

std::string seconds(const DiagSocket& socket) {
    return socket.timer_ms.has_value() ? " for " + seconds_left(socket) + " more" : std::string{};
}

RescuedSocket left_alone(std::string reason) {
    return {0, RescueOutcome::left_alone, std::move(reason)};
}

RescuedSocket failed(std::string reason) {
    return {0, RescueOutcome::failed, std::move(reason)};
}

int option_of(int fd, int option) {
    return socket_option_or(fd, SOL_SOCKET, option, -1);
}

std::string reason_of_setsockopt(int fd, int error) {
    if (option_of(fd, SO_PROTOCOL) == IPPROTO_MPTCP) {
        return "MPTCP takes no SO_REUSEADDR once it is connected (" + describe_errno(error) +
               "); it has to end, or its program to be given `portguard run` next time";
    }
    return "setsockopt said " + describe_errno(error);
}

/// On a descriptor that is borrowed already.
RescuedSocket flag_borrowed(int fd, SocketState state, bool dry_run) {
    if (option_of(fd, SO_REUSEADDR) > 0) {
        return {0, RescueOutcome::shares_already, {}};
    }
    if (dry_run) {
        return takes_reuseaddr(option_of(fd, SO_PROTOCOL) == IPPROTO_MPTCP, state)
                   ? RescuedSocket{0, RescueOutcome::would_flag, {}}
                   : failed(reason_of_setsockopt(fd, EINVAL));
    }
    if (const long result = set_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1); result != 0) {
        return failed(reason_of_setsockopt(fd, static_cast<int>(-result)));
    }
    return {0, RescueOutcome::flagged, {}};
}

/// One of the processes that have it is enough.
RescuedSocket flag_through_owners(const HolderReport& report, const Holder& holder, bool dry_run) {
    const Syscalls syscalls;
    RescuedSocket result;
    for (const Owner& owner : holder.owners) {
        const pid_t pid = report.process_of(owner).pid;
        const ScopedFd fd(borrow_fd(pid, owner.fd, syscalls), syscalls);
        int error = fd.valid() ? 0 : errno;
        struct stat file {};
        if (error == 0 && (::fstat(fd.get(), &file) != 0 || file.st_ino != holder.socket.inode)) {
            error = ESTALE;
        }
        if (error == 0) {
            return flag_borrowed(fd.get(), holder.socket.state, dry_run);
        }
        result = failed(describe_refusal(gather_borrow_facts(pid, error)));
    }
    return result;
}

std::string reason_of_destroy(int error) {
    switch (error) {
    case EPERM: return "removing it needs CAP_NET_ADMIN; it works as root";
    case EOPNOTSUPP: return "this kernel does not remove such sockets (CONFIG_INET_DIAG_DESTROY)";
    default: return "SOCK_DESTROY said " + describe_errno(error);
    }
}

RescuedSocket remove(const DiagSocket& socket) {
    const int error = destroy_socket(socket);
    // Gone by itself, which is as good.
    return error == 0 || error == ENOENT ? RescuedSocket{0, RescueOutcome::removed, {}}
                                         : failed(reason_of_destroy(error));
}

RescuedSocket remove_time_wait(const DiagSocket& socket, const RescueOptions& options) {
    if (!destroys_time_wait()) {
        return failed("TIME_WAIT" + seconds(socket) + "; Linux before 6.0 cannot remove it");
    }
    if (!options.time_wait) {
        return left_alone("TIME_WAIT" + seconds(socket) +
                          "; --time-wait removes it, which needs CAP_NET_ADMIN");
    }
    if (options.dry_run) {
        return {0, RescueOutcome::would_remove, {}};
    }
    return remove(socket);
}

RescuedSocket remove_orphan(const DiagSocket& socket, const RescueOptions& options) {
    const std::string closed =
        "its program has closed it, and the kernel keeps it" +
        (socket.timer_ms.has_value() ? seconds(socket) : " until its peer has answered");
    if (!can_orphan_be_removed(socket)) {
        return failed(closed + "; Linux before 6.12 cannot remove it");
    }
    if (!options.orphans) {
        return left_alone(closed + "; --orphans removes it, which needs CAP_NET_ADMIN");
    }
    if (options.dry_run) {
        return {0, RescueOutcome::would_remove, {}};
    }
    return remove(socket);
}

RescuedSocket without_owner(const Holder& holder) {
    switch (holder.owner_status) {
    case OwnerStatus::kernel:
        return failed(
            "no process has accepted it yet: it waits in the queue of the listener, and ends with it");
    case OwnerStatus::not_visible:
        return failed("this user may not see whose it is (it was made by uid " +
                      std::to_string(holder.socket.uid) + "); it works as root");
    case OwnerStatus::nobody:
        return failed(
            "no process in /proc has it: another pid namespace, a descriptor in flight or io_uring");
    case OwnerStatus::ended: return failed("its process has closed it meanwhile");
    case OwnerStatus::not_asked:
    case OwnerStatus::found: break;
    }
    return failed("/proc could not be read to its end");
}

RescuedSocket rescue(const HolderReport& report, const Holder& holder, const RescueOptions& options) {
    const DiagSocket& socket = holder.socket;
    if (socket.state == SocketState::time_wait) {
        return remove_time_wait(socket, options);
    }
    if (socket.is_orphan()) {
        return remove_orphan(socket, options);
    }
    if (socket.is_hold()) {
        return {0, RescueOutcome::shares_already, {}};
    }
    if (!options.listener && socket.state == SocketState::listen) {
        return left_alone(
            "it listens, and no flag lets two listen; --listener sets the flag for its next start");
    }
    if (!options.listener && socket.state == SocketState::bound) {
        return left_alone("it is bound and may be about to listen; --listener sets the flag nevertheless");
    }
    return holder.owners.empty() ? without_owner(holder)
                                 : flag_through_owners(report, holder, options.dry_run);
}

} // namespace

std::string_view outcome_name(RescueOutcome outcome) {
    constexpr std::array<std::string_view, 7> names{
        "flagged", "would_flag", "shares_already", "removed", "would_remove", "left_alone", "failed",
    };
    return names[static_cast<std::size_t>(outcome)];
}

std::vector<RescuedSocket> rescue_sockets(const HolderReport& report, const RescueOptions& options) {
    std::vector<RescuedSocket> rescued;
    for (std::size_t index = 0; index < report.holders.size(); ++index) {
        rescued.push_back(rescue(report, report.holders[index], options));
        rescued.back().holder = index;
    }
    return rescued;
}

void note_what_stayed(const HolderReport& report, const HolderReport& now,
                      std::vector<RescuedSocket>& rescued) {
    for (RescuedSocket& entry : rescued) {
        const auto& cookie = report.holders[entry.holder].socket.cookie;
        const bool stays = std::any_of(now.holders.begin(), now.holders.end(),
                                       [&](const Holder& other) { return other.socket.cookie == cookie; });
        if (entry.outcome == RescueOutcome::removed && stays) {
            entry.outcome = RescueOutcome::failed;
            entry.reason = "the kernel said that it removed it, and still has it";
        }
    }
}

bool leaves_port_bindable(const HolderReport& report, const std::vector<RescuedSocket>& rescued) {
    return std::all_of(rescued.begin(), rescued.end(), [&](const RescuedSocket& entry) {
        return entry.outcome != RescueOutcome::left_alone && entry.outcome != RescueOutcome::failed &&
               report.holders[entry.holder].socket.state != SocketState::listen;
    });
}

} // namespace portguard::tools
