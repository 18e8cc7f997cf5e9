// Serves one page over HTTP: few connections, each for a short time, in one thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tools/metrics/http_request.h"

namespace portguard::tools {

/// The page in one of its formats.
using MakePage = std::function<std::string(ExpositionFormat)>;

class HttpServer {
public:
    /// `listeners` listen, and are closed by nobody but the end of the process.
    HttpServer(std::vector<int> listeners, MakePage page);

    [[noreturn]] void serve();

private:
    using Clock = std::chrono::steady_clock;

    struct Connection {
        int fd = -1;
        Clock::time_point end;
        std::string received = {};
        std::string answer = {};
        std::size_t sent = 0;
        /// The answer is out: what still comes is thrown away, since a close over it would take the answer
        /// along.
        bool is_ending = false;
    };

    void wait();
    void accept_from(int listener);
    /// False: it is over.
    bool go_on(Connection& connection);
    bool receive(Connection& connection);
    static bool send(Connection& connection);
    void drop_finished();

    std::vector<int> listeners_;
    MakePage page_;
    std::vector<Connection> connections_;
};

} // namespace portguard::tools
