// Sockets of every kind that a command counts, on ports 8080, 8081 and 5353.
#pragma once

#include <utility>
#include <vector>

#include "support/sockets.h"

namespace portguard::test {

struct SampleTraffic {
    Fd server = listener(flagged(tcp_socket()), wildcard(8080));
    Fd other = listener(flagged(tcp_socket(AF_INET6)), wildcard(8081, AF_INET6));
    std::vector<Connection> connections;
    Fd datagram = udp_socket();

    /// Seven connections, three in TIME_WAIT.
    SampleTraffic() {
        for (int count = 0; count < 7; ++count) {
            connections.push_back(connect_pair(server));
        }
        for (int count = 0; count < 3; ++count) {
            Connection ended = connect_pair(server);
            into_time_wait(std::move(ended.client), std::move(ended.server));
        }
        EXPECT_EQ(bind_to(datagram, wildcard(5353)), success);
    }
};

} // namespace portguard::test
