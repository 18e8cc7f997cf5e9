#include "tools/who/questions.h"

#include <algorithm>
#include <string_view>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/who/names.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const std::string& word, const std::string& why) {
    throw Refusal(ExitCode::usage, "'" + shown(word) + "' " + why);
}

/// Takes "/tcp" or "/udp" off the end of `rest`.
std::optional<Protocol> take_protocol(std::string_view& rest) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
        const std::string suffix = "/" + std::string(protocol_name(protocol));
        if (rest.ends_with(suffix)) {
            rest.remove_suffix(suffix.size());
            return protocol;
        }
    }
    return std::nullopt;
}

PortSet read_ports(const std::string& word, std::string_view text) {
    PortSet ports;
    Sentence why;
    const bool is_number = !text.empty() && text.find_first_not_of("0123456789,-") == std::string_view::npos;
    if (parse_port_set(text, ports, why)) {
        return ports;
    }
    if (is_number) {
        const bool is_named = why.view().find("'" + word + "'") != std::string_view::npos;
        throw Refusal(ExitCode::usage, (is_named ? "" : "'" + shown(word) + "': ") + std::string(why.view()) +
                                           "; expected ports and ranges, as in 80,443,5000-14999");
    }
    const std::uint16_t port = port_of_service(text_of_names(services_file), text);
    if (port == 0) {
        refuse(word, "names no port from 1 to 65535 and no service of /etc/services; expected 10000, "
                     "80,8000-8010, 53/udp, http, 127.0.0.1:10000 or [::1]:10000");
    }
    ports.insert({port, port});
    return ports;
}

std::vector<AskedAddress> read_addresses(const std::string& word, const std::string& text) {
    if (const auto address = parse_address(text)) {
        return {*address};
    }
    std::vector<AskedAddress> addresses;
    for (const std::string& number : addresses_of_host(text_of_names(hosts_file), text)) {
        const bool is_ipv6 = number.find(':') != std::string::npos;
        const auto address = parse_address(is_ipv6 ? "[" + number + "]" : number);
        if (address.has_value()) {
            addresses.push_back(*address);
        }
    }
    if (addresses.empty()) {
        refuse(word, "names no IP address of this host before the port, and no host of /etc/hosts; expected "
                     "127.0.0.1:10000, [::1]:10000, [fe80::1%eth0]:10000 or localhost:10000");
    }
    return addresses;
}

std::vector<Protocol> protocols_of(const AskedPorts& words, std::optional<Protocol> protocol) {
    if (words.protocol.has_value() || protocol.has_value()) {
        return {words.protocol.has_value() ? *words.protocol : *protocol};
    }
    return {Protocol::tcp, Protocol::udp};
}

std::vector<AskedPort> places_of(const AskedPorts& words, std::uint16_t port) {
    if (words.addresses.empty()) {
        return {{every_address(port), false}};
    }
    std::vector<AskedPort> places;
    for (AskedAddress address : words.addresses) {
        address.endpoint.port = port;
        places.push_back({address, true});
    }
    return places;
}

} // namespace

AskedPorts parse_asked_ports(const std::string& word) {
    std::string_view rest = word;
    AskedPorts asked;
    asked.protocol = take_protocol(rest);
    const std::size_t colon = rest.rfind(':');
    if (colon != std::string_view::npos && colon != 0 && rest.substr(0, colon) != "*") {
        asked.addresses = read_addresses(word, std::string(rest.substr(0, colon)));
    }
    asked.ports = read_ports(word, colon == std::string_view::npos ? rest : rest.substr(colon + 1));
    return asked;
}

std::vector<Question> questions_of(const AskedPorts& words, std::optional<Protocol> protocol) {
    const std::vector<Protocol> protocols = protocols_of(words, protocol);
    std::vector<Question> questions;
    for (PortRange run = words.ports.next_run(1); !run.empty();
         run = words.ports.next_run(std::uint32_t{run.high} + 1)) {
        for (std::uint32_t port = run.low; port <= run.high; ++port) {
            for (const AskedPort& place : places_of(words, static_cast<std::uint16_t>(port))) {
                for (const Protocol each : protocols) {
                    questions.push_back({place, each, protocols.size() > 1 && each == Protocol::udp});
                }
            }
        }
    }
    return questions;
}

bool is_asked_about(const AskedPorts& words, std::optional<Protocol> protocol, const DiagSocket& socket) {
    const std::vector<Protocol> protocols = protocols_of(words, protocol);
    if (!words.ports.contains(socket.local.port) ||
        std::find(protocols.begin(), protocols.end(), socket.protocol) == protocols.end()) {
        return false;
    }
    return words.addresses.empty() ||
           std::any_of(words.addresses.begin(), words.addresses.end(), [&](AskedAddress address) {
               address.endpoint.port = socket.local.port;
               return overlaps(address, socket);
           });
}

} // namespace portguard::tools
