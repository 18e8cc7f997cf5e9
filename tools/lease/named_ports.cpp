#include "tools/lease/named_ports.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "core/hash.h"
#include "core/text.h"
#include "kernel/self_time_wait.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"
#include "tools/common/asked_port.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::string_view variables_form = "expected VARIABLE=NAME[,...], as in WEB=web,API=api";

/// Without the flag, so that no socket whatever may have the port. 0, or an errno.
int bind_alone(int socket, const SocketAddress& address) {
    return ::bind(socket, address.get(), address.length()) == 0 ? 0 : errno;
}

/// A socket of -1: the port is not free, or `error` says that none is to be had.
LeasedPort try_port(std::uint16_t port, int& error) {
    const AskedAddress everywhere = every_address(port);
    const SocketAddress address = socket_address(everywhere);
    const int socket = self_time_wait::open_socket(address.family(), false);
    error = socket < 0 ? -socket : bind_alone(socket, address);
    if (error != 0) {
        if (socket >= 0) {
            ::close(socket);
        }
        return {};
    }
    set_socket_switch(socket, SOL_SOCKET, SO_REUSEADDR, true);
    Endpoint own = everywhere.endpoint;
    own.family = address.family() == AF_INET ? Family::ipv4 : Family::ipv6;
    self_time_wait::Places(own, false, 0).leave_time_wait(false);
    return {port, socket};
}

bool is_variable_name(std::string_view word) {
    return !word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) == 0 &&
           std::all_of(word.begin(), word.end(), [](char character) {
               return character == '_' || std::isalnum(static_cast<unsigned char>(character)) != 0;
           });
}

} // namespace

NamedPorts::NamedPorts(const PortSet& plan) {
    for (PortRange run = plan.next_run(0); !run.empty(); run = plan.next_run(run.high + 1U)) {
        for (std::uint32_t port = run.low; port <= run.high; ++port) {
            ports_.push_back(static_cast<std::uint16_t>(port));
        }
    }
}

LeasedPort NamedPorts::take(std::string_view name, unsigned index) {
    const std::uint64_t start = mixed(Fnv1a().add(name.data(), name.size()).add(index).value());
    int error = EADDRINUSE;
    for (std::size_t step = 0; step < ports_.size(); ++step) {
        const LeasedPort leased = try_port(ports_[(start + step) % ports_.size()], error);
        if (leased.socket >= 0) {
            return leased;
        }
        if (error != EADDRINUSE && error != EACCES) {
            throw Refusal(ExitCode::failure, std::string("no socket can be bound: ") + std::strerror(error));
        }
    }
    throw Refusal(ExitCode::findings, "none of " + counted(ports_.size(), "port") + " is free for " +
                                          shown(name) +
                                          "; use a longer --listen, or wait until a lease ends");
}

bool is_kept(std::uint16_t port) {
    const SocketAddress address = socket_address(every_address(port));
    const int socket = self_time_wait::open_socket(address.family(), false);
    const bool kept = socket < 0 || bind_alone(socket, address) == EADDRINUSE;
    if (socket >= 0) {
        ::close(socket);
    }
    return kept;
}

std::vector<NamedVariable> parse_variables(std::string_view text) {
    std::vector<NamedVariable> variables;
    const std::string whole = "--env=" + shown(text);
    do {
        std::string_view name = trimmed(next_field(text, ','));
        const std::string_view variable = next_field(name, '=');
        if (!is_variable_name(variable) || name.empty()) {
            throw Refusal(ExitCode::usage, whole + ": " + std::string(variables_form));
        }
        variables.push_back({std::string(variable), std::string(name)});
    } while (!text.empty());
    return variables;
}

} // namespace portguard::tools
