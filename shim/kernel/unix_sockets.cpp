#include "kernel/unix_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "kernel/netlink.h"

namespace portguard {
namespace {

// include/net/tcp_states.h, which unix sockets borrow.
constexpr std::uint8_t state_established = 1;
constexpr std::uint8_t state_listen = 10;

struct UnixSocket {
    std::uint32_t inode = 0;
    std::uint8_t state = 0;
    uid_t uid = 0;
    std::string name;
    /// Of the file that it is bound to; 0: an abstract name.
    std::uint32_t file_inode = 0;
    std::uint32_t file_device = 0;
};

/// As the kernel numbers devices within itself (include/linux/kdev_t.h).
std::uint32_t kernel_device(dev_t device) {
    constexpr unsigned minor_bits = 20;
    return major(device) << minor_bits | minor(device);
}

void read_attributes(std::span<const std::byte> bytes, UnixSocket& socket) {
    while (const auto attribute = take_attribute(bytes)) {
        if (attribute->type == UNIX_DIAG_NAME) {
            socket.name.assign(reinterpret_cast<const char*>(attribute->payload.data()),
                               attribute->payload.size());
            // Of a path the kernel counts the NUL behind it.
            if (!socket.name.empty() && socket.name.front() != '\0') {
                socket.name.resize(std::min(socket.name.find('\0'), socket.name.size()));
            }
        } else if (attribute->type == UNIX_DIAG_VFS) {
            const auto file = read_value<unix_diag_vfs>(attribute->payload).value_or(unix_diag_vfs{});
            socket.file_inode = file.udiag_vfs_ino;
            socket.file_device = file.udiag_vfs_dev;
        } else if (attribute->type == UNIX_DIAG_UID) {
            socket.uid = read_value<uid_t>(attribute->payload).value_or(0);
        }
    }
}

/// One datagram of the dump. False: it was the last.
bool read_datagram(std::span<const std::byte> bytes, std::vector<UnixSocket>& out, int& error) {
    while (!bytes.empty()) {
        const auto message = take_message(bytes);
        if (!message.has_value()) {
            error = EBADMSG;
            return false;
        }
        if (message->type == NLMSG_DONE || message->type == NLMSG_ERROR) {
            error = error_in(*message);
            return false;
        }
        const auto body = read_value<unix_diag_msg>(message->payload);
        if (message->type == SOCK_DIAG_BY_FAMILY && body.has_value()) {
            UnixSocket& socket = out.emplace_back();
            socket.inode = body->udiag_ino;
            socket.state = body->udiag_state;
            read_attributes(message->payload.subspan(sizeof *body), socket);
        }
    }
    return true;
}

/// 0, or an errno.
int dump_unix_sockets(const Deadline& deadline, const Syscalls& syscalls, std::vector<UnixSocket>& out) {
    const ScopedFd fd(syscalls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), syscalls);
    if (!fd.valid()) {
        return errno;
    }
    unix_diag_req query{};
    query.sdiag_family = AF_UNIX;
    query.udiag_states = ~0U;
    query.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_UID;
    NetlinkRequest request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, 1);
    const auto question = request.body(query).bytes();
    if (syscalls.send(fd.get(), question.data(), question.size(), 0) < 0) {
        return errno;
    }
    std::vector<std::byte> answer(dump_datagram_size);
    while (!deadline.passed()) {
        // Each datagram is made by the call before.
        const ssize_t length =
            syscalls.recv(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0 || static_cast<std::size_t>(length) > answer.size()) {
            return length < 0 ? errno : EBADMSG;
        }
        int error = 0;
        if (!read_datagram(std::span(answer).first(static_cast<std::size_t>(length)), out, error)) {
            return error;
        }
    }
    return ETIME;
}

PathKind kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFSOCK: return PathKind::socket;
    case S_IFLNK: return PathKind::symbolic_link;
    case S_IFDIR: return PathKind::folder;
    case S_IFREG: return PathKind::regular_file;
    default: return PathKind::other;
    }
}

/// By connecting with the wrong kind of socket: the kernel finds who is bound to the file and then refuses
/// for the type (unix_find_bsd(), net/unix/af_unix.c), before anything is queued. A datagram socket is
/// connected to, which it does not notice.
void ask_whether_bound(const std::string& path, const Syscalls& syscalls, UnixLook& look) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::min(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), length);
    const ScopedFd fd(syscalls.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), syscalls);
    if (!fd.valid()) {
        look.connect_error = errno;
        return;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    // Past our own hook.
    if (::syscall(SYS_connect, fd.get(), &address, size) == 0 || errno == EPROTOTYPE || errno == EPERM) {
        look.is_bound = true;
    } else if (errno == ECONNREFUSED) {
        look.is_bound = false;
    } else {
        look.connect_error = errno;
    }
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// As may_delete() in fs/namei.c: the folder has to be writable, and in a sticky one the file, or the folder,
/// one's own.
bool needs_root_to_remove(const std::string& path, const struct stat& file) {
    const std::string folder = folder_of(path);
    struct stat its_folder {};
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0 ||
        ::stat(folder.c_str(), &its_folder) != 0) {
        return true;
    }
    const uid_t user = ::geteuid();
    return (its_folder.st_mode & S_ISVTX) != 0 && user != 0 && user != file.st_uid &&
           user != its_folder.st_uid;
}

void look_at_file(const std::string& path, const Syscalls& syscalls, UnixLook& look, struct stat& file) {
    if (::lstat(path.c_str(), &file) != 0) {
        look.kind = errno == ENOENT ? PathKind::missing : PathKind::unknown;
        return;
    }
    look.kind = kind_of(file.st_mode);
    look.removal_needs_root = needs_root_to_remove(path, file);
    if (look.kind == PathKind::socket) {
        ask_whether_bound(path, syscalls, look);
    }
}

Holder holder_of(UnixSocket socket) {
    Holder holder;
    holder.socket.protocol = Protocol::unix_domain;
    holder.socket.state = socket.state == state_listen ? SocketState::listen : SocketState::bound;
    holder.socket.inode = socket.inode;
    holder.socket.uid = socket.uid;
    holder.unix_name = std::move(socket.name);
    return holder;
}

} // namespace

UnixLook look_at_unix_name(const std::string& name, const HolderOptions& options) {
    UnixLook look;
    const Deadline deadline(options.budget);
    struct stat file {};
    const bool is_abstract = name.starts_with('\0');
    if (is_abstract) {
        look.kind = PathKind::abstract;
    } else {
        look_at_file(name, options.syscalls, look, file);
    }
    std::vector<UnixSocket> sockets;
    if (const int error = dump_unix_sockets(deadline, options.syscalls, sockets); error != 0) {
        look.report.sockets_complete = false;
        look.report.missing.push_back("the list of unix sockets (" +
                                      (error == ETIME ? "out of time" : describe_errno(error)) + ")");
    }
    const auto has_name = [&](const UnixSocket& socket) {
        return is_abstract ? socket.name == name
                           : look.kind == PathKind::socket &&
                                 socket.file_inode == static_cast<std::uint32_t>(file.st_ino) &&
                                 (socket.file_device == kernel_device(file.st_dev) || socket.name == name);
    };
    for (UnixSocket& socket : sockets) {
        // What a listener accepts has its name as well, and outlives it.
        const bool holds = socket.state != state_established || look.is_bound == true;
        if (socket.inode != options.left_out_inode && holds && has_name(socket)) {
            look.report.holders.push_back(holder_of(std::move(socket)));
        }
    }
    auto& holders = look.report.holders;
    if (holders.empty() && look.connect_error != 0) {
        look.report.missing.push_back(
            "whether a socket of another network namespace is bound to the file (connect: " +
            describe_errno(look.connect_error) + ")");
    }
    const auto listens = [](const Holder& holder) { return holder.socket.state == SocketState::listen; };
    std::stable_partition(holders.begin(), holders.end(), listens);
    // Beside a listener, connected sockets of its name are those that it has accepted.
    if (!holders.empty() && listens(holders.front())) {
        holders.erase(std::find_if_not(holders.begin(), holders.end(), listens), holders.end());
    }
    HolderOptions rest = options;
    rest.budget = std::chrono::milliseconds(deadline.remaining_ms());
    rest.flags = false;
    add_details(look.report, rest);
    return look;
}

} // namespace portguard
