#include "explain/asked_socket.h"

#include <cstring>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "kernel/socket_option.h"

namespace portguard {
namespace {

std::optional<bool> read_switch(int fd, int level, int option) {
    const auto value = socket_option(fd, level, option);
    return value.has_value() ? std::optional(*value != 0) : std::nullopt;
}

Protocol read_protocol(int fd) {
    switch (socket_option_or(fd, SOL_SOCKET, SO_PROTOCOL, 0)) {
    case IPPROTO_TCP: return Protocol::tcp;
    case IPPROTO_MPTCP: return Protocol::mptcp;
    case IPPROTO_UDP: return Protocol::udp;
    default: return Protocol::unknown;
    }
}

void read_address(const Snapshot& snapshot, int socket, AskedSocket& asked) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (snapshot.address_length != 0) {
        length = snapshot.address_length;
        std::memcpy(&storage, snapshot.address, length);
    } else if (getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return;
    }
    asked.address.endpoint = read_endpoint(reinterpret_cast<const sockaddr*>(&storage), length);
    asked.address.device =
        asked.device != 0 ? asked.device : scope_of(reinterpret_cast<const sockaddr*>(&storage), length);
}

} // namespace

AskedSocket read_asked_socket(const Snapshot& snapshot, int socket) {
    AskedSocket asked;
    asked.protocol = snapshot.facts.protocol();
    if (asked.protocol == Protocol::unknown) {
        asked.protocol = read_protocol(socket);
    }
    asked.reuseaddr = read_switch(socket, SOL_SOCKET, SO_REUSEADDR);
    asked.reuseport = read_switch(socket, SOL_SOCKET, SO_REUSEPORT);
    asked.v6only = read_switch(socket, SOL_IPV6, IPV6_V6ONLY);
    asked.device = static_cast<std::uint32_t>(socket_option_or(socket, SOL_SOCKET, SO_BINDTOIFINDEX, 0));
    asked.address.v6only = asked.v6only.value_or(false);
    struct stat file {};
    if (fstat(socket, &file) == 0) {
        asked.inode = file.st_ino;
        asked.uid = file.st_uid;
    }
    read_address(snapshot, socket, asked);
    return asked;
}

} // namespace portguard
