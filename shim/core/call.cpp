#include "core/call.h"

namespace portguard {

std::string_view call_name(Call call) {
    switch (call) {
    case Call::bind: return "bind";
    case Call::listen: return "listen";
    case Call::connect: return "connect";
    case Call::setsockopt: return "setsockopt";
    }
    return {};
}

std::optional<Call> call_named(std::string_view name) {
    for (const Call call : {Call::bind, Call::listen, Call::connect, Call::setsockopt}) {
        if (call_name(call) == name) {
            return call;
        }
    }
    return std::nullopt;
}

std::string_view protocol_name(Protocol protocol) {
    switch (protocol) {
    case Protocol::tcp: return "tcp";
    case Protocol::mptcp: return "mptcp";
    case Protocol::udp: return "udp";
    case Protocol::unix_domain: return "unix";
    case Protocol::unknown:
    case Protocol::other: break;
    }
    return "inet";
}

std::optional<Protocol> protocol_named(std::string_view name) {
    for (const Protocol protocol :
         {Protocol::unknown, Protocol::tcp, Protocol::mptcp, Protocol::udp, Protocol::unix_domain}) {
        if (protocol_name(protocol) == name) {
            return protocol;
        }
    }
    return std::nullopt;
}

} // namespace portguard
