#include "core/making.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <sys/un.h>

namespace portguard::test {
namespace {

/// Appends `word` to a list in words.
void add_word(std::string& list, std::string_view word, std::string_view separator) {
    list.append(list.empty() || word.empty() ? "" : separator).append(word);
}

} // namespace

Config configured(std::initializer_list<Setting> settings) {
    Draft draft;
    Sentence why;
    for (const auto& [name, value] : settings) {
        if (!apply_option(draft, name, value, {Origin::command_line, {}, 0}, why)) {
            throw std::invalid_argument(std::string(why.view()));
        }
    }
    return draft.config;
}

PortSet ports(std::string_view list) {
    PortSet set;
    Sentence why;
    if (!list.empty() && !parse_port_set(list, set, why)) {
        throw std::invalid_argument(std::string(why.view()));
    }
    return set;
}

HostPorts host(std::string_view range, std::string_view reserved) {
    HostPorts result;
    Sentence why;
    if (!range.empty() && !parse_port_range(range, result.range, why)) {
        throw std::invalid_argument(std::string(why.view()));
    }
    result.reserved = ports(reserved);
    return result;
}

std::string thousand_ranges() {
    std::string list;
    for (int index = 0; index < 1000; ++index) {
        add_word(list, std::to_string(10000 + 2 * index), ",");
    }
    return list;
}

SocketAddress ipv4(const char* address, std::uint16_t port, sa_family_t family) {
    SocketAddress result{{}, sizeof(sockaddr_in)};
    sockaddr_in value{};
    value.sin_family = family;
    value.sin_port = htons(port);
    if (inet_pton(AF_INET, address, &value.sin_addr) != 1) {
        throw std::invalid_argument(address);
    }
    std::memcpy(&result.storage, &value, sizeof value);
    return result;
}

SocketAddress ipv6(const char* address, std::uint16_t port) {
    SocketAddress result{{}, sizeof(sockaddr_in6)};
    sockaddr_in6 value{};
    value.sin6_family = AF_INET6;
    value.sin6_port = htons(port);
    if (inet_pton(AF_INET6, address, &value.sin6_addr) != 1) {
        throw std::invalid_argument(address);
    }
    std::memcpy(&result.storage, &value, sizeof value);
    return result;
}

SocketAddress unix_path(const char* path) {
    SocketAddress result{{}, sizeof(sockaddr_un)};
    sockaddr_un value{};
    value.sun_family = AF_UNIX;
    std::strncpy(value.sun_path, path, sizeof value.sun_path - 1);
    std::memcpy(&result.storage, &value, sizeof value);
    return result;
}

std::string what(const Verdict& verdict) {
    constexpr std::array<std::string_view, 6> before{"",          "ask_kernel", "refuse",
                                                     "set_range", "bind_range", "bind_listen"};
    constexpr std::array<std::string_view, 3> after{"", "mark_listener", "give_courtesy"};
    constexpr std::array<std::string_view, 3> report{"", "tell_refused", "tell_ephemeral"};
    std::string words(before.at(static_cast<std::size_t>(verdict.before)));
    add_word(words, after.at(static_cast<std::size_t>(verdict.after)), ", ");
    add_word(words, report.at(static_cast<std::size_t>(verdict.report)), ", ");
    return words.empty() ? "pass" : words;
}

std::string what(SocketFacts facts) {
    constexpr std::array<std::string_view, 5> protocols{"unknown", "other", "tcp", "mptcp", "udp"};
    constexpr std::array<std::string_view, 4> choices{"", "program", "program_in_ephemeral", "courteous"};
    std::string words(protocols.at(static_cast<std::size_t>(facts.protocol())));
    add_word(words, choices.at(static_cast<std::size_t>(facts.port())), " ");
    add_word(words, facts.chose_reuseaddr() ? "chose_reuseaddr" : "", " ");
    add_word(words, facts.chose_range() ? "chose_range" : "", " ");
    add_word(words, facts.clamped() ? "clamped" : "", " ");
    return words;
}

std::string what(const OutgoingPlan& plan) {
    constexpr std::array<std::string_view, 4> methods{"none", "socket_range", "explicit_bind", "courtesy"};
    std::string words(methods.at(static_cast<std::size_t>(plan.connect)));
    if (!plan.range.empty()) {
        words += ", range " + written([&](TextWriter& out) { print_port_range(plan.range, out); });
    }
    words += plan.binds ? ", by binds" : "";
    return words + (plan.clamp_port_zero ? ", port zero clamped" : "");
}

} // namespace portguard::test
