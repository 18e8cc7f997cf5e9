#include "core/event.h"

#include <array>
#include <cerrno>

#include "core/options.h"

namespace portguard {
namespace {

/// The name in place, not by a pointer: those are relocated in every exec.
struct ErrnoName {
    int value;
    char name[16];
};

constexpr std::array errno_names{
    ErrnoName{EPERM, "EPERM"},
    ErrnoName{ENOENT, "ENOENT"},
    ErrnoName{ESRCH, "ESRCH"},
    ErrnoName{EINTR, "EINTR"},
    ErrnoName{EBADF, "EBADF"},
    ErrnoName{EAGAIN, "EAGAIN"},
    ErrnoName{ENOMEM, "ENOMEM"},
    ErrnoName{EACCES, "EACCES"},
    ErrnoName{EFAULT, "EFAULT"},
    ErrnoName{EINVAL, "EINVAL"},
    ErrnoName{ENFILE, "ENFILE"},
    ErrnoName{EMFILE, "EMFILE"},
    ErrnoName{ENOTSOCK, "ENOTSOCK"},
    ErrnoName{ENOPROTOOPT, "ENOPROTOOPT"},
    ErrnoName{EOPNOTSUPP, "EOPNOTSUPP"},
    ErrnoName{EAFNOSUPPORT, "EAFNOSUPPORT"},
    ErrnoName{EIO, "EIO"},
    ErrnoName{ENXIO, "ENXIO"},
    ErrnoName{ENOTDIR, "ENOTDIR"},
    ErrnoName{EFBIG, "EFBIG"},
    ErrnoName{ENOSPC, "ENOSPC"},
    ErrnoName{EROFS, "EROFS"},
    ErrnoName{EPIPE, "EPIPE"},
    ErrnoName{ENAMETOOLONG, "ENAMETOOLONG"},
    ErrnoName{ELOOP, "ELOOP"},
    ErrnoName{EDQUOT, "EDQUOT"},
    ErrnoName{EMSGSIZE, "EMSGSIZE"},
    ErrnoName{EPROTOTYPE, "EPROTOTYPE"},
    ErrnoName{EADDRINUSE, "EADDRINUSE"},
    ErrnoName{EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    ErrnoName{ENETUNREACH, "ENETUNREACH"},
    ErrnoName{ECONNRESET, "ECONNRESET"},
    ErrnoName{ENOBUFS, "ENOBUFS"},
    ErrnoName{EISCONN, "EISCONN"},
    ErrnoName{ECONNREFUSED, "ECONNREFUSED"},
    ErrnoName{EHOSTUNREACH, "EHOSTUNREACH"},
    ErrnoName{ETIMEDOUT, "ETIMEDOUT"},
    ErrnoName{EINPROGRESS, "EINPROGRESS"},
    ErrnoName{ENOSYS, "ENOSYS"},
    ErrnoName{ESTALE, "ESTALE"},
};

constexpr std::array<std::string_view, 5> call_names{"socket", "bind", "listen", "connect", "setsockopt"};

constexpr std::array<std::string_view, 8> event_names{
    "refused", "in_use", "cured", "exhausted", "unavailable", "privileged", "ephemeral_listener", "injected",
};

/// The enumerator whose name stands at its place in `names`.
template <typename Enum, std::size_t count>
std::optional<Enum> named(const std::array<std::string_view, count>& names, std::string_view name) {
    for (std::size_t index = 0; index < count; ++index) {
        if (names[index] == name) {
            return static_cast<Enum>(index);
        }
    }
    return std::nullopt;
}

/// A long plan is cut: the sentence has to fit a line.
void print_plan(const Config& config, TextWriter& out) {
    Text<excerpt_length + 1> plan;
    print_port_set(config.listen, plan);
    out.add("listen=").add_excerpt(plan.view());
}

} // namespace

std::string_view errno_name(int value) {
    for (const ErrnoName& entry : errno_names) {
        if (entry.value == value) {
            return entry.name;
        }
    }
    return {};
}

std::optional<int> errno_named(std::string_view name) {
    for (const ErrnoName& entry : errno_names) {
        if (entry.name == name) {
            return entry.value;
        }
    }
    return std::nullopt;
}

Level level_of(EventKind kind) {
    switch (kind) {
    case EventKind::cured: return Level::info;
    case EventKind::ephemeral_listener: return Level::warn;
    default: return Level::error;
    }
}

bool is_told(EventKind kind, const Config& config) {
    return level_of(kind) >= config.level && (config.log.kind != LogKind::none || config.record[0] != '\0');
}

std::string_view call_name(Call call) {
    return call_names[static_cast<std::size_t>(call)];
}

std::string_view event_name(EventKind kind) {
    return event_names[static_cast<std::size_t>(kind)];
}

std::string_view protocol_name(Protocol protocol) {
    switch (protocol) {
    case Protocol::tcp: return "tcp";
    case Protocol::mptcp: return "mptcp";
    case Protocol::udp: return "udp";
    case Protocol::unknown:
    case Protocol::other: break;
    }
    return "inet";
}

std::optional<Call> call_named(std::string_view name) {
    return named<Call>(call_names, name);
}

std::optional<EventKind> event_named(std::string_view name) {
    return named<EventKind>(event_names, name);
}

std::optional<Protocol> protocol_named(std::string_view name) {
    for (const Protocol protocol : {Protocol::unknown, Protocol::tcp, Protocol::mptcp, Protocol::udp}) {
        if (protocol_name(protocol) == name) {
            return protocol;
        }
    }
    return std::nullopt;
}

std::string_view outcome_of(EventKind kind) {
    constexpr std::array<std::string_view, 8> words{
        "refused",
        "in use",
        "cured",
        "no port left",
        "no such address here",
        "privileged port",
        "inside the ephemeral range",
        "injected",
    };
    return words[static_cast<std::size_t>(kind)];
}

void print_errno(int error, TextWriter& out) {
    const std::string_view name = errno_name(error);
    out.add(name.empty() ? "errno " : name);
    if (name.empty()) {
        out.add_number(static_cast<std::uint64_t>(error));
    }
}

void print_event_head(const Event& event, TextWriter& out) {
    out.add("portguard: ").add_untrusted(event.program).add('[');
    out.add_number(static_cast<std::uint64_t>(event.pid)).add("]: ");
    print_event_outcome(event, out);
}

void print_event_outcome(const Event& event, TextWriter& out) {
    out.add(call_name(event.call)).add(' ').add(protocol_name(event.protocol)).add(' ');
    print_endpoint(event.asked, out);
    out.add(": ").add(outcome_of(event.kind));
    if (event.error != 0) {
        out.add(" (");
        print_errno(event.error, out);
        out.add(')');
    }
}

void print_known_reason(const Event& event, const Config& config, TextWriter& out) {
    if (event.kind == EventKind::refused) {
        out.add("outside ");
        print_plan(config, out);
        out.add(config.mode == Mode::observe ? "; passed, since mode=observe" : "");
        out.add(event.protocol == Protocol::udp ? "; reported for one UDP port per process" : "");
    } else if (event.kind == EventKind::ephemeral_listener) {
        out.add("any outgoing connection may be given this port before the next start");
    } else if (event.kind == EventKind::injected) {
        out.add("inject=");
        print_inject(config.inject, out);
    }
}

} // namespace portguard
