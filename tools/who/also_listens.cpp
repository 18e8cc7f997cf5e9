#include "tools/who/also_listens.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/proc.h"
#include "kernel/sock_diag.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// A port has more holders where a server forks; the first ones say it.
constexpr std::size_t most_processes = 4;
constexpr std::chrono::seconds patience{10};

std::vector<DiagSocket> listeners_of_host() {
    std::vector<DiagSocket> sockets;
    const Deadline deadline(patience);
    for (const int family : {AF_INET, AF_INET6}) {
        dump_sockets(family, Protocol::tcp, 0, diag_listen, deadline, Syscalls{}, sockets);
    }
    return sockets;
}

/// Sorted.
std::vector<std::uint32_t> sockets_of(pid_t pid) {
    std::vector<std::uint32_t> inodes;
    DIR* const folder = ::opendir(ProcPath(pid, "fd").c_str());
    if (folder == nullptr) {
        return inodes;
    }
    while (const dirent* const entry = ::readdir(folder)) {
        std::array<char, 64> target{};
        const ssize_t size = ::readlinkat(::dirfd(folder), entry->d_name, target.data(), target.size());
        if (size > 0) {
            const auto inode = parse_socket_link({target.data(), static_cast<std::size_t>(size)});
            if (inode.has_value()) {
                inodes.push_back(*inode);
            }
        }
    }
    ::closedir(folder);
    std::sort(inodes.begin(), inodes.end());
    return inodes;
}

} // namespace

std::vector<AlsoListens> what_also_listens(std::span<const pid_t> pids, std::uint16_t port) {
    std::vector<AlsoListens> found;
    if (pids.empty()) {
        return found;
    }
    const std::vector<DiagSocket> listeners = listeners_of_host();
    for (const pid_t pid : pids.first(std::min(pids.size(), most_processes))) {
        const std::vector<std::uint32_t> own = sockets_of(pid);
        AlsoListens also{pid, {}};
        for (const DiagSocket& socket : listeners) {
            if (socket.local.port != port && std::binary_search(own.begin(), own.end(), socket.inode)) {
                also.ports.insert({socket.local.port, socket.local.port});
            }
        }
        if (!also.ports.empty()) {
            found.push_back(also);
        }
    }
    return found;
}

std::string describe(const AlsoListens& also) {
    constexpr std::size_t longest_list = 200;
    const std::size_t count = also.ports.count({1, 65535});
    const std::string ports = text_of(also.ports);
    return "listens on " + std::to_string(count) + (count == 1 ? " other port" : " other ports") +
           " as well" + (ports.size() <= longest_list ? ": " + ports : "");
}

} // namespace portguard::tools
