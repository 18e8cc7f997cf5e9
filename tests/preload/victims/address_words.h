// The addresses that a socket script can name, good and bad.
#pragma once

#include <string>

#include <sys/socket.h>

namespace victim {

struct Argument {
    sockaddr_storage storage{};
    /// Not &storage where the script asks for a bad pointer.
    const sockaddr* pointer = nullptr;
    socklen_t length = 0;

    Argument() = default;
    Argument(const Argument&) = delete;
    Argument& operator=(const Argument&) = delete;
};

/// "127.0.0.1:80", "*:80" (0.0.0.0), "[::1]:80", "[*]:80" (::), "family:2:80" (a sockaddr_in of that family,
/// INADDR_ANY), "family:0:80:127.0.0.1", "unix:@name", "netlink", "null", "ptr:1", "ptr:-1", "unmapped".
void read_address(const std::string& word, Argument& argument);

/// The local address of `fd`, with the loopback address in place of a wildcard: where to connect to.
void address_of(int fd, Argument& argument);

} // namespace victim
