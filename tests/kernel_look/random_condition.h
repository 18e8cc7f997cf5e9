// Sockets of every kind on one port, for looks that have to agree on each condition.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <netinet/in.h>

#include "kernel/diag_socket.h"
#include "support/sockets.h"

namespace portguard::test {

/// On either family and several addresses.
class Condition {
public:
    explicit Condition(std::mt19937& random) {
        for (std::size_t count = random() % 4; count != 0; --count) {
            add(random);
        }
    }

    [[nodiscard]] const std::vector<Fd>& sockets() const { return sockets_; }

private:
    static Address pick(std::mt19937& random) {
        const std::vector<Address> all{
            loopback(contested_port),           address("127.0.0.2", contested_port),
            wildcard(contested_port),           loopback(contested_port, AF_INET6),
            wildcard(contested_port, AF_INET6), address("::ffff:127.0.0.1", contested_port)};
        return all[random() % all.size()];
    }

    /// What the kernel refuses beside the others is not there: so much the more mixed.
    void add(std::mt19937& random) {
        const Address address = pick(random);
        Fd socket = tcp_socket(address.storage.ss_family);
        set_reuseaddr(socket, random() % 4 != 0);
        if (address.storage.ss_family == AF_INET6 && random() % 2 == 0) {
            set_option(socket, SOL_IPV6, IPV6_V6ONLY, 1);
        }
        if (random() % 4 == 0) {
            set_option(socket, SOL_IP, IP_TOS, hold_tos);
        }
        if (bind_to(socket, address) != success) {
            return;
        }
        switch (random() % 4) {
        case 0: break;
        case 1: listen_on(socket); break;
        default: connect(std::move(socket), random() % 2 == 0); return;
        }
        sockets_.push_back(std::move(socket));
    }

    void connect(Fd socket, bool closes) {
        const Fd server = flagged(tcp_socket(AF_INET6));
        if (bind_to(server, wildcard(server_port, AF_INET6)) != success || listen_on(server) != success) {
            return;
        }
        const bool ipv6 = local_address(socket).storage.ss_family == AF_INET6;
        for (const Address& peer :
             {loopback(server_port, ipv6 ? AF_INET6 : AF_INET), address("::ffff:127.0.0.1", server_port)}) {
            if (connect_to(socket, peer) != success) {
                continue;
            }
            Fd accepted(accept(server.get(), nullptr, nullptr));
            if (closes) {
                socket.reset();
                accepted.reset();
            } else {
                sockets_.push_back(std::move(socket));
                sockets_.push_back(std::move(accepted));
            }
            return;
        }
    }

    static constexpr std::uint16_t contested_port = 10000;
    static constexpr std::uint16_t server_port = 7000;

    std::vector<Fd> sockets_;
};

} // namespace portguard::test
