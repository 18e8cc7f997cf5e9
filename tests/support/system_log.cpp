#include "support/system_log.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "support/private_net.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

void mount_or_throw(const char* source, const std::string& target, const char* type, unsigned long flags,
                    const char* data = nullptr) {
    if (::mount(source, target.c_str(), type, flags, data) != 0) {
        throw std::system_error(errno, std::generic_category(), "mount " + target);
    }
}

void keep_device(const std::string& name, const std::string& folder) {
    const std::string device = "/dev/" + name;
    const std::string place = folder + "/" + name;
    struct stat status {};
    if (::lstat(device.c_str(), &status) != 0) {
        return;
    }
    if (S_ISLNK(status.st_mode)) {
        std::filesystem::copy_symlink(device, place);
        return;
    }
    if (S_ISDIR(status.st_mode)) {
        std::filesystem::create_directory(place);
    } else {
        std::ofstream{place};
    }
    mount_or_throw(device.c_str(), place, nullptr, MS_BIND | MS_REC);
}

/// Made at /run, and moved to /dev when it is whole.
void replace_devices() {
    const std::string folder = "/run/dev";
    std::filesystem::create_directory(folder);
    mount_or_throw("none", folder, "tmpfs", 0);
    for (const char* const name : {"null", "zero", "full", "random", "urandom", "tty", "shm", "fd"}) {
        keep_device(name, folder);
    }
    // Of its own: a ptmx that is mounted alone does not find its pts.
    std::filesystem::create_directory(folder + "/pts");
    mount_or_throw("devpts", folder + "/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620");
    std::filesystem::create_symlink("pts/ptmx", folder + "/ptmx");
    mount_or_throw(folder.c_str(), "/dev", nullptr, MS_MOVE);
}

Fd listen_at(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::system_error(errno, std::generic_category(), "bind " + path);
    }
    // Daemons that have dropped their privileges may write there.
    ::chmod(path.c_str(), 0666);
    return socket;
}

std::string content_of(const Fd& file) {
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t count = 1; count > 0;) {
        count = ::pread(file.get(), piece.data(), piece.size(), static_cast<off_t>(text.size()));
        text.append(piece.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return text;
}

/// False: no datagram is there.
bool receive(const Fd& socket, std::string& text) {
    text.assign(1U << 20, '\0');
    iovec piece{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
    if (count < 0) {
        return false;
    }
    text.resize(static_cast<std::size_t>(count));
    if (const cmsghdr* const header = CMSG_FIRSTHDR(&message); header != nullptr) {
        int file = -1;
        std::memcpy(&file, CMSG_DATA(header), sizeof file);
        text = content_of(Fd(file));
    }
    return true;
}

std::vector<std::string> received(const Fd& socket) {
    std::vector<std::string> entries;
    for (std::string text; socket.valid() && receive(socket, text);) {
        entries.push_back(text);
    }
    return entries;
}

} // namespace

SystemLog::SystemLog() {
    try {
        if (::unshare(CLONE_NEWNS) != 0) {
            throw std::system_error(errno, std::generic_category(), "unshare(CLONE_NEWNS)");
        }
        mount_or_throw("none", "/", nullptr, MS_REC | MS_PRIVATE);
        mount_or_throw("none", "/run", "tmpfs", 0);
        replace_devices();
    } catch (const std::exception& error) {
        unavailable_ = std::string("no private mount namespace: ") + error.what();
    }
}

void SystemLog::start_journal() {
    journal_ = listen_at("/run/systemd/journal/socket");
}

void SystemLog::start_syslog() {
    syslog_ = listen_at("/dev/log");
}

std::vector<std::string> SystemLog::journal() const {
    return received(journal_);
}

std::vector<std::string> SystemLog::syslog() const {
    return received(syslog_);
}

std::string journal_field(std::string_view entry, std::string_view name) {
    while (!entry.empty()) {
        const std::size_t end = entry.find('\n');
        const std::string_view line = entry.substr(0, end);
        entry.remove_prefix(end == std::string_view::npos ? entry.size() : end + 1);
        const std::size_t equals = line.find('=');
        if (equals != std::string_view::npos) {
            if (line.substr(0, equals) == name) {
                return std::string(line.substr(equals + 1));
            }
            continue;
        }
        std::size_t length = 0;
        for (std::size_t byte = 8; byte > 0; --byte) {
            length = length << 8 | static_cast<unsigned char>(entry.at(byte - 1));
        }
        std::string value(entry.substr(8, length));
        if (line == name) {
            return value;
        }
        entry.remove_prefix(8 + length + 1);
    }
    return {};
}

void SystemLogTest::SetUp() {
    const PrivateNet net;
    if (!net.unavailable().empty()) {
        PORTGUARD_SKIP(net.unavailable());
    }
    log_.emplace();
    if (!log_->unavailable().empty()) {
        PORTGUARD_SKIP(log_->unavailable());
    }
}

} // namespace portguard::test
