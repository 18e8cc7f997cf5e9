// flag_life CASE ARGUMENT...: what a script for socket_script cannot say: races, numbers that change hands
// unseen, a number that is asked for twice. Prints one line a result.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Arguments = char**;

sockaddr_in ipv4(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

sockaddr_in6 ipv6(int port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<std::uint16_t>(port));
    address.sin6_addr = in6addr_loopback;
    return address;
}

template <typename Address>
const sockaddr* generic(const Address& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

int bind_to(int fd, int port) {
    const sockaddr_in address = ipv4(port);
    return ::bind(fd, generic(address), sizeof address);
}

int connect_to(int fd, int port) {
    const sockaddr_in address = ipv4(port);
    return ::connect(fd, generic(address), sizeof address);
}

int tcp() {
    return ::socket(AF_INET, SOCK_STREAM, 0);
}

int udp() {
    return ::socket(AF_INET, SOCK_DGRAM, 0);
}

int flagged(int fd) {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return fd;
}

int flag_of(int fd) {
    int value = -1;
    socklen_t length = sizeof value;
    ::getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &length);
    return value;
}

int port_of(int fd) {
    sockaddr_storage local{};
    socklen_t length = sizeof local;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length);
    return ntohs(reinterpret_cast<const sockaddr_in&>(local).sin_port);
}

void say(const char* what, int result) {
    std::printf("%s-> %s\n", what, result == 0 ? "ok" : strerrorname_np(errno));
    std::fflush(stdout);
}

/// PORT ROUNDS FLAG: a server that starts over and over.
void start_over(Arguments arguments) {
    const int port = std::atoi(arguments[0]);
    long listened = 0;
    long lost = 0;
    for (int left = std::atoi(arguments[1]); left > 0; --left) {
        const int fd = arguments[2][0] == '1' ? flagged(tcp()) : tcp();
        if (bind_to(fd, port) == 0) {
            ++(::listen(fd, 1) == 0 ? listened : lost);
        }
        ::close(fd);
    }
    std::printf("listened-> %s\nbound but not listened-> %ld\n", listened > 0 ? "some" : "none", lost);
}

/// PORT: connect blocks on a full queue; its number goes to a UDP service meanwhile.
void close_while_connecting(Arguments arguments) {
    const int port = std::atoi(arguments[0]);
    const int listener = tcp();
    bind_to(listener, port);
    ::listen(listener, 0);
    connect_to(tcp(), port);
    const int number = tcp();
    std::thread blocked([&] { say("connect ", connect_to(number, port)); });
    // Until the kernel has the SYN that is not answered: the connection is under way.
    tcp_info info{};
    while (info.tcpi_state != TCP_SYN_SENT) {
        socklen_t length = sizeof info;
        ::getsockopt(number, IPPROTO_TCP, TCP_INFO, &info, &length);
    }
    ::close(number);
    const int service = udp();
    std::printf("same number-> %s\n", service == number ? "yes" : "no");
    bind_to(service, port + 1);
    ::accept(listener, nullptr, nullptr);
    blocked.join();
    std::printf("flag-> %d\n", flag_of(service));
}

/// The number of a connection attempt that has the flag from us where we are there; it is then another's, in
/// a way that no hook sees.
int number_given_away(int to) {
    const int full = tcp();
    bind_to(full, 0);
    ::listen(full, 0);
    connect_to(tcp(), port_of(full));
    const int number = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect_to(number, port_of(full));
    std::printf("flag before-> %d\n", flag_of(number));
    ::syscall(SYS_dup3, to, number, 0);
    return number;
}

/// PORT: of a server whose flag was set through another number.
void give_away_to_a_server(Arguments arguments) {
    const int server = flagged(tcp());
    bind_to(server, std::atoi(arguments[0]));
    const int number = number_given_away(server);
    say("listen ", ::listen(number, 1));
    std::printf("flag-> %d\n", flag_of(server));
}

/// PORT: a connection that fails under such a number.
void give_away_to_a_client(Arguments arguments) {
    const int client = flagged(tcp());
    const int number = number_given_away(client);
    say("connect ", connect_to(number, std::atoi(arguments[0])));
    std::printf("flag-> %d\n", flag_of(client));
}

/// PORT: a UDP service under the number of a TCP socket.
void put_udp_under_tcp(Arguments arguments) {
    const int port = std::atoi(arguments[0]);
    const int number = tcp();
    const int service = udp();
    bind_to(service, port);
    ::syscall(SYS_dup3, service, number, 0);
    say("connect ", connect_to(number, 9));
    std::printf("flag-> %d\n", flag_of(service));
}

/// The number of a port-0 socket is asked for again. "4", "6", "u": family or UDP.
void ask_again(const char* what, char kind, int port) {
    const int fd = kind == '6' ? ::socket(AF_INET6, SOCK_STREAM, 0) : kind == 'u' ? udp() : tcp();
    const sockaddr_in6 six = ipv6(port);
    say((std::string("bind ") + what + " ").c_str(),
        kind == '6' ? ::bind(fd, generic(six), sizeof six) : bind_to(fd, port));
    if (kind != 'u') {
        say((std::string("listen ") + what + " ").c_str(), ::listen(fd, 1));
    }
    ::close(fd);
}

void twice(Arguments /*arguments*/) {
    const int first = tcp();
    bind_to(first, 0);
    const int port = port_of(first);
    say("listen first ", ::listen(first, 1));
    ask_again("ipv6", '6', port);
    ask_again("udp", 'u', port);
    ::close(first);
    ask_again("closed", '4', port);
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        ask_again("child", '4', port);
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    const int service = udp();
    bind_to(service, 0);
    ask_again("udp first", '4', port_of(service));
}

} // namespace

int main(int count, char** arguments) {
    const std::map<std::string, void (*)(Arguments)> cases{
        {"start_over", start_over},
        {"close_while_connecting", close_while_connecting},
        {"give_away_to_a_server", give_away_to_a_server},
        {"give_away_to_a_client", give_away_to_a_client},
        {"put_udp_under_tcp", put_udp_under_tcp},
        {"twice", twice},
    };
    const auto wanted = count > 1 ? cases.find(arguments[1]) : cases.end();
    if (wanted == cases.end()) {
        return 2;
    }
    wanted->second(arguments + 2);
    return 0;
}
