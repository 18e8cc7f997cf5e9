// A victim that does what its argument says: "s = tcp4; bind s *:80; listen s; ...", and prints what each
// call returned. No port that the kernel chose is printed, so two runs of one script say the same. errno is
// set to a value of its own before each call, and reported where a call that succeeded has changed it.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "victims/address_words.h"

namespace {

using Words = std::vector<std::string>;
constexpr int untouched_errno = 4242;

std::map<std::string, int> descriptors;

int number(const std::string& word) {
    return static_cast<int>(std::strtol(word.c_str(), nullptr, 0));
}

/// A name of the script's, or a number.
int fd_of(const std::string& word) {
    const auto found = descriptors.find(word);
    return found != descriptors.end() ? found->second : number(word);
}

/// What a call returned: its errno, or "ok".
std::string outcome(long result) {
    if (result >= 0) {
        return errno == untouched_errno ? "ok"
                                        : std::string("ok, but errno is now ") + strerrorname_np(errno);
    }
    const char* const name = strerrorname_np(errno);
    return name != nullptr ? name : std::to_string(errno);
}

struct SocketKind {
    int domain;
    int type;
    int protocol;
};

int open_socket(const Words& words) {
    static const std::map<std::string, SocketKind> kinds{
        {"tcp4", {AF_INET, SOCK_STREAM, 0}},
        {"tcp6", {AF_INET6, SOCK_STREAM, 0}},
        {"udp4", {AF_INET, SOCK_DGRAM, 0}},
        {"udp6", {AF_INET6, SOCK_DGRAM, 0}},
        {"mptcp4", {AF_INET, SOCK_STREAM, IPPROTO_MPTCP}},
        {"mptcp6", {AF_INET6, SOCK_STREAM, IPPROTO_MPTCP}},
        {"unix", {AF_UNIX, SOCK_STREAM, 0}},
        {"netlink", {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}},
        {"raw4", {AF_INET, SOCK_RAW, IPPROTO_ICMP}},
    };
    const auto kind = kinds.find(words[2]);
    if (kind != kinds.end()) {
        return ::socket(kind->second.domain, kind->second.type, kind->second.protocol);
    }
    return ::socket(number(words[3]), number(words[4]), number(words[5]));
}

/// "s = tcp4", "s = socket 2 1 6", "s = dup t", "s = dupto t 70000", "s = accept t"
std::string assign(const Words& words) {
    errno = untouched_errno;
    int fd = -1;
    if (words[2] == "dup") {
        fd = ::dup(fd_of(words[3]));
    } else if (words[2] == "dupto") {
        fd = ::fcntl(fd_of(words[3]), F_DUPFD, number(words[4]));
    } else if (words[2] == "accept") {
        fd = ::accept(fd_of(words[3]), nullptr, nullptr);
    } else {
        fd = open_socket(words);
    }
    descriptors[words[0]] = fd;
    return outcome(fd);
}

/// "bind s ADDRESS [len=N]", "connect s ADDRESS [len=N]", "sendto s ADDRESS"; "@t" is where t is.
std::string call_with_address(const Words& words) {
    victim::Argument argument;
    if (words[2][0] == '@') {
        victim::address_of(fd_of(words[2].substr(1)), argument);
    } else {
        victim::read_address(words[2], argument);
    }
    if (words.size() > 3) {
        argument.length = static_cast<socklen_t>(number(words[3].substr(4)));
    }
    const int fd = fd_of(words[1]);
    errno = untouched_errno;
    return outcome(words[0] == "bind"      ? ::bind(fd, argument.pointer, argument.length)
                   : words[0] == "connect" ? ::connect(fd, argument.pointer, argument.length)
                                           : ::sendto(fd, "x", 1, 0, argument.pointer, argument.length));
}

struct NamedOption {
    int level;
    int name;
};

NamedOption option_named(const std::string& word) {
    static const std::map<std::string, NamedOption> options{
        {"reuseaddr", {SOL_SOCKET, SO_REUSEADDR}},      {"reuseport", {SOL_SOCKET, SO_REUSEPORT}},
        {"v6only", {IPPROTO_IPV6, IPV6_V6ONLY}},        {"range", {SOL_IP, 51}},
        {"nodelay", {IPPROTO_TCP, TCP_NODELAY}},        {"bad", {SOL_SOCKET, 9999}},
        {"no_port", {SOL_IP, IP_BIND_ADDRESS_NO_PORT}}, {"fastopen", {IPPROTO_TCP, TCP_FASTOPEN_CONNECT}},
    };
    return options.at(word);
}

/// "set s reuseaddr 1 [len=N|null|ptr:1]"
std::string set_option(const Words& words) {
    const NamedOption option = option_named(words[2]);
    const int value = number(words[3]);
    const void* pointer = &value;
    socklen_t length = sizeof value;
    victim::Argument bad;
    if (words.size() > 4 && words[4].rfind("len=", 0) == 0) {
        length = static_cast<socklen_t>(number(words[4].substr(4)));
    } else if (words.size() > 4) {
        victim::read_address(words[4], bad);
        pointer = bad.pointer;
    }
    const int fd = fd_of(words[1]);
    errno = untouched_errno;
    return outcome(::setsockopt(fd, option.level, option.name, pointer, length));
}

std::string get_option(const Words& words) {
    const NamedOption option = option_named(words[2]);
    int value = 0;
    socklen_t length = sizeof value;
    errno = untouched_errno;
    const int result = ::getsockopt(fd_of(words[1]), option.level, option.name, &value, &length);
    return result == 0 ? std::to_string(static_cast<unsigned>(value)) : outcome(result);
}

std::uint16_t local_port(int fd) {
    victim::Argument local;
    victim::address_of(fd, local);
    return ntohs(reinterpret_cast<const sockaddr_in&>(local.storage).sin_port);
}

/// "inside s LOW HIGH": is its local port?
std::string is_inside(const Words& words) {
    const int port = local_port(fd_of(words[1]));
    return number(words[2]) <= port && port <= number(words[3]) ? "inside" : "outside";
}

bool is_in_time_wait(std::uint16_t port) {
    std::array<char, 16> wanted{};
    std::snprintf(wanted.data(), wanted.size(), ":%04X", port);
    for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream table(path);
        std::string row;
        while (std::getline(table, row)) {
            std::istringstream fields(row);
            std::string slot;
            std::string local;
            std::string remote;
            std::string state;
            fields >> slot >> local >> remote >> state;
            if (state == "06" && local.ends_with(wanted.data())) {
                return true;
            }
        }
    }
    return false;
}

/// "timewait a b": a is closed first, and its port is left in TIME_WAIT.
std::string into_time_wait(const Words& words) {
    const std::uint16_t port = local_port(fd_of(words[1]));
    ::close(fd_of(words[1]));
    ::close(fd_of(words[2]));
    for (int tries = 0; tries < 5000; ++tries) {
        if (is_in_time_wait(port)) {
            return "ok";
        }
        ::poll(nullptr, 0, 1);
    }
    return "never";
}

/// "writable s": waits until the connection attempt has ended and says how.
std::string wait_writable(const Words& words) {
    pollfd question{fd_of(words[1]), POLLOUT, 0};
    ::poll(&question, 1, 10000);
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(question.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error == 0 ? "ok" : strerrorname_np(error);
}

std::string echo(const Words& words) {
    char byte = 0;
    const bool there = ::send(fd_of(words[1]), "x", 1, MSG_NOSIGNAL) == 1 &&
                       ::recv(fd_of(words[2]), &byte, 1, 0) == 1 && byte == 'x';
    return there ? "ok" : "lost";
}

/// "many tcp4 N t LOW HIGH": N connections to t stay open; how many have a local port in that range?
std::string connect_many(const Words& words) {
    victim::Argument target;
    victim::address_of(fd_of(words[3]), target);
    int inside = 0;
    for (int index = 0; index < number(words[2]); ++index) {
        const int fd = open_socket({"", "", words[1]});
        if (::connect(fd, target.pointer, target.length) != 0) {
            return "connect failed after " + std::to_string(index) + ": " + strerrorname_np(errno);
        }
        const int port = local_port(fd);
        inside += number(words[4]) <= port && port <= number(words[5]) ? 1 : 0;
    }
    return std::to_string(inside) + " inside";
}

std::string wait_for_line() {
    for (char byte = 0; byte != '\n';) {
        if (::read(STDIN_FILENO, &byte, 1) != 1) {
            return "end";
        }
    }
    return "line";
}

std::string perform(const Words& words) {
    const std::string& verb = words[0];
    if (words.size() > 1 && words[1] == "=") {
        return assign(words);
    }
    if (verb == "bind" || verb == "connect" || verb == "sendto") {
        return call_with_address(words);
    }
    const int fd = words.size() > 1 ? fd_of(words[1]) : -1;
    errno = untouched_errno;
    if (verb == "listen") {
        return outcome(::listen(fd, words.size() > 2 ? number(words[2]) : 16));
    }
    if (verb == "close") {
        return outcome(::close(fd));
    }
    if (verb == "vanish") {
        return outcome(static_cast<int>(::syscall(SYS_close, fd)));
    }
    if (verb == "dup2") {
        return outcome(::dup2(fd, fd_of(words[2])));
    }
    if (verb == "shutdown") {
        return outcome(::shutdown(fd, SHUT_RDWR));
    }
    if (verb == "nonblock") {
        return outcome(::fcntl(fd, F_SETFL, O_NONBLOCK));
    }
    static const std::map<std::string, std::string (*)(const Words&)> others{
        {"set", set_option},          {"get", get_option},         {"inside", is_inside},
        {"timewait", into_time_wait}, {"writable", wait_writable}, {"echo", echo},
        {"many", connect_many},
    };
    const auto other = others.find(verb);
    return other != others.end() ? other->second(words) : verb == "wait" ? wait_for_line() : "?";
}

} // namespace

int main(int count, char** arguments) {
    std::istringstream script(count > 1 ? arguments[1] : "");
    std::string statement;
    while (std::getline(script, statement, ';')) {
        std::istringstream text(statement);
        Words words;
        std::string line;
        for (std::string word; text >> word; words.push_back(word)) {
            line += word + " ";
        }
        if (!words.empty()) {
            const std::string result = perform(words);
            std::printf("%s-> %s\n", line.c_str(), result.c_str());
            std::fflush(stdout);
        }
    }
    return 0;
}
