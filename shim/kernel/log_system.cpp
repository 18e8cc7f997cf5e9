// The system's log: systemd-journald's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL) and
// syslog(3). Each a datagram without a connection. Whose the socket is goes unasked: its folder is root's, a
// datagram changes no file, and what it says is no secret of another user's.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/kernel_call.h"
#include "kernel/log_attempt.h"

namespace portguard::log_writer {
namespace {

constexpr std::string_view journal_path = "/run/systemd/journal/socket";
constexpr std::string_view syslog_path = "/dev/log";
constexpr std::string_view identifier = "portguard";

/// syslog(3): LOG_ERR, LOG_WARNING, LOG_INFO.
unsigned priority_of(Level level) {
    switch (level) {
    case Level::info: return 6;
    case Level::warn: return 4;
    case Level::error: break;
    }
    return 3;
}

class Sender {
public:
    explicit Sender(std::string_view path)
        : fd_(above_standard(
              kernel_call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))) {
        address_.sun_family = AF_UNIX;
        std::memcpy(address_.sun_path, path.data(), std::min(path.size(), sizeof address_.sun_path - 1));
    }
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    ~Sender() {
        if (fd_ >= 0) {
            kernel_call(SYS_close, fd_);
        }
    }

    /// As sendmsg(2), or -errno.
    long send(std::span<iovec> pieces, std::span<char> control = {}) {
        if (fd_ < 0) {
            return fd_;
        }
        msghdr message{};
        message.msg_name = &address_;
        message.msg_namelen = sizeof address_;
        message.msg_iov = pieces.data();
        message.msg_iovlen = pieces.size();
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        long result = 0;
        do {
            result = kernel_call(SYS_sendmsg, fd_, as_argument(&message), MSG_DONTWAIT | MSG_NOSIGNAL);
        } while (result == -EINTR);
        return result;
    }

private:
    long fd_;
    sockaddr_un address_{};
};

/// The pieces of one entry, and the memory of those that are made here.
class JournalFields {
public:
    void add(std::string_view text) {
        if (count_ < pieces_.size()) {
            pieces_[count_++] = piece_of(text);
        }
    }
    /// Values of several lines come after their length: 64 bits, little-endian.
    void add(std::string_view name, std::string_view value) {
        std::array<char, sizeof(std::uint64_t)>& length =
            lengths_[std::min(used_lengths_++, lengths_.size() - 1)];
        for (std::size_t byte = 0; byte < length.size(); ++byte) {
            length[byte] = static_cast<char>(value.size() >> 8 * byte);
        }
        add(name);
        add("\n");
        add({length.data(), length.size()});
        add(value);
        add("\n");
    }
    [[nodiscard]] std::span<iovec> pieces() { return {pieces_.data(), count_}; }

private:
    static constexpr std::size_t most_fields = 16;
    static constexpr std::size_t plain_pieces = 3;
    std::array<iovec, 5 * (most_fields + 1) + plain_pieces> pieces_{};
    std::array<std::array<char, sizeof(std::uint64_t)>, most_fields + 1> lengths_{};
    std::size_t count_ = 0;
    std::size_t used_lengths_ = 0;
};

/// What is larger than a datagram (net.core.wmem_default) goes as a sealed file, which journald reads.
long send_as_file(Sender& sender, std::span<iovec> pieces) {
    const long file = above_standard(
        kernel_call(SYS_memfd_create, as_argument(identifier.data()), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (file < 0) {
        return file;
    }
    long result = kernel_call(SYS_writev, file, as_argument(pieces.data()), static_cast<long>(pieces.size()));
    if (result >= 0) {
        constexpr long seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        kernel_call(SYS_fcntl, file, F_ADD_SEALS, seals);
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        auto* const header = reinterpret_cast<cmsghdr*>(control);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int number = static_cast<int>(file);
        std::memcpy(CMSG_DATA(header), &number, sizeof number);
        result = sender.send({}, control);
    }
    kernel_call(SYS_close, file);
    return result;
}

std::string_view without_newline(std::string_view text) {
    while (!text.empty() && text.back() == '\n') {
        text.remove_suffix(1);
    }
    return text;
}

/// A receiver whose queue is full (net.unix.max_dgram_qlen, 10 by default) is given a moment for the rest of
/// a report, whose first line it took.
class Moments {
public:
    bool wait() {
        constexpr timespec one{0, 1'000'000};
        return left_-- > 0 && kernel_call(SYS_nanosleep, as_argument(&one), 0) == 0;
    }

private:
    int left_ = 20;
};

} // namespace

Attempt write_to_journal(const Entry& entry) {
    Text<32> priority;
    priority.add("PRIORITY=").add_number(priority_of(entry.level)).add('\n');
    Text<32> pid;
    pid.add("SYSLOG_PID=").add_number(static_cast<std::uint32_t>(entry.pid)).add('\n');
    JournalFields fields;
    fields.add("SYSLOG_IDENTIFIER=portguard\nSYSLOG_FACILITY=3\n");
    fields.add(priority.view());
    fields.add(pid.view());
    for (const Field& field : entry.fields) {
        fields.add(field.name, field.value);
    }
    fields.add("MESSAGE", without_newline(entry.text));
    Sender sender(journal_path);
    long result = sender.send(fields.pieces());
    if (result == -EMSGSIZE || result == -ENOBUFS) {
        result = send_as_file(sender, fields.pieces());
    }
    return result >= 0 ? done : not_written(result);
}

/// A datagram for each line, as RFC 3164 has them and as receivers split nothing. Without a time, which
/// local(5) time would have to be: receivers put their own, and one in UTC would be read as local.
Attempt write_to_syslog(const Entry& entry) {
    constexpr unsigned daemon_facility = 3;
    Text<64> head;
    head.add('<')
        .add_number(daemon_facility << 3 | priority_of(entry.level))
        .add('>')
        .add(identifier)
        .add('[');
    head.add_number(static_cast<std::uint32_t>(entry.pid)).add("]: ");
    Sender sender(syslog_path);
    Moments moments;
    std::string_view rest = without_newline(entry.text);
    for (bool is_first = true; !rest.empty(); is_first = false) {
        iovec pieces[] = {piece_of(head.view()), piece_of(next_field(rest, '\n'))};
        long result = sender.send(pieces);
        while (result == -EAGAIN && !is_first && moments.wait()) {
            result = sender.send(pieces);
        }
        if (result < 0) {
            return not_written(result);
        }
    }
    return done;
}

} // namespace portguard::log_writer
