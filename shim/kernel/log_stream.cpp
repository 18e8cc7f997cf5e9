// Pipes, terminals and stream sockets: each has its own promise of what goes in whole.
#include <algorithm>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "kernel/kernel_call.h"
#include "kernel/log_attempt.h"

namespace portguard::log_writer {
namespace {

constexpr std::string_view cut_note = "portguard: the rest of this report did not fit into the pipe\n";

/// As many of the first lines as `limit` bytes hold; empty: not one.
std::string_view first_lines(std::string_view block, std::size_t limit) {
    const std::string_view start(block.data(), std::min(block.size(), limit));
    const std::size_t end = start.rfind('\n');
    return {block.data(), end == std::string_view::npos ? 0 : end + 1};
}

/// Whether a pipe takes `size` bytes in one write, under its lock and so in one piece, though that is more
/// than PIPE_BUF. What stands in it may lie two to a page at worst (pipe_write() appends to a page only what
/// fits whole), and a page at either end may be begun.
bool has_room(int fd, std::size_t size) {
    int unread = 0;
    const long capacity = kernel_call(SYS_fcntl, fd, F_GETPIPE_SZ);
    if (capacity < 0 || kernel_call(SYS_ioctl, fd, FIONREAD, as_argument(&unread)) != 0) {
        return false;
    }
    // A pipe has 16 pages unless somebody has resized it, and then more as a rule.
    const auto bytes = static_cast<std::size_t>(capacity);
    const std::size_t page = std::max<std::size_t>(PIPE_BUF, bytes / 16);
    return size + 2 * static_cast<std::size_t>(unread) + 3 * page <= bytes;
}

long write_now(int fd, std::span<const iovec> pieces) {
    return kernel_call(SYS_writev, fd, as_argument(pieces.data()), static_cast<long>(pieces.size()));
}

/// Where the kernel has no RWF_NOWAIT for pipes: between the question and the write another writer may take
/// the last page, the one moment in which this can wait, for the next read.
long write_shared(int fd, std::span<const iovec> pieces, std::size_t size) {
    constexpr long current_position = -1;
    const long count =
        kernel_call(SYS_pwritev2, fd, as_argument(pieces.data()), static_cast<long>(pieces.size()),
                    current_position, current_position, RWF_NOWAIT);
    if (count >= 0 || count == -EAGAIN || count == -EPIPE || count == -EINTR) {
        return count;
    }
    const bool fits = size <= PIPE_BUF ? is_writable_now(fd) : has_room(fd, size);
    return fits ? write_now(fd, pieces) : -EAGAIN;
}

long write_pieces(int fd, Manner manner, std::span<const iovec> pieces) {
    std::size_t size = 0;
    for (const iovec& piece : pieces) {
        size += piece.iov_len;
    }
    long count = 0;
    do {
        count = manner == Manner::nonblocking ? write_now(fd, pieces) : write_shared(fd, pieces, size);
    } while (count == -EINTR);
    return count;
}

/// What a write left over, as long as somebody reads.
template <typename Write>
Attempt finish(int fd, std::string_view rest, const Write& write) {
    Patience patience;
    while (!rest.empty()) {
        if (!patience.is_worth_waiting(fd)) {
            return not_written(-EAGAIN);
        }
        const long count = write(rest);
        if (count < 0 && count != -EAGAIN && count != -EINTR) {
            return not_written(count);
        }
        rest.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return done;
}

template <typename Write>
Attempt write_whole(int fd, std::string_view block, const Write& write) {
    const long count = write(block);
    if (count <= 0) {
        return not_written(count);
    }
    block.remove_prefix(static_cast<std::size_t>(count));
    return finish(fd, block, write);
}

} // namespace

/// Whole, or, where there is no room for that, its first lines in one atomic write (pipe(7), PIPE_BUF) and a
/// word on the rest. A line that is longer than that, as an event of format=json may be, is not cut.
Attempt write_to_pipe(int fd, Manner manner, std::string_view block) {
    const auto write = [&](std::string_view text) {
        const iovec piece = piece_of(text);
        return write_pieces(fd, manner, {&piece, 1});
    };
    if (block.size() <= PIPE_BUF) {
        const long count = write(block);
        return count > 0 ? done : not_written(count);
    }
    if (has_room(fd, block.size())) {
        return write_whole(fd, block, write);
    }
    const std::string_view lines = first_lines(block, PIPE_BUF - cut_note.size());
    if (lines.empty()) {
        return not_written(-EAGAIN);
    }
    const iovec pieces[] = {piece_of(lines), piece_of(cut_note)};
    const long count = write_pieces(fd, manner, pieces);
    return count > 0 ? done : not_written(count);
}

/// A terminal promises one byte, and nobody can ask it for more: one write, which it takes whole unless its
/// reader is 64 KiB behind. One that has stopped (ctrl-S) takes nothing. What it took by halves before it
/// filled is finished while somebody reads; else the line stays cut, once for each time that a terminal
/// fills, and the event counts as lost.
Attempt write_to_terminal(int fd, std::string_view block) {
    return write_whole(fd, block, [fd](std::string_view text) {
        const iovec piece = piece_of(text);
        return write_pieces(fd, Manner::nonblocking, {&piece, 1});
    });
}

/// A unix stream takes up to half of its send buffer at once (unix_stream_sendmsg()); journald's is one.
Attempt write_to_unix_socket(int fd, std::string_view block) {
    return write_whole(fd, block, [fd](std::string_view text) {
        return kernel_call(SYS_sendto, fd, as_argument(text.data()), static_cast<long>(text.size()),
                           MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
    });
}

} // namespace portguard::log_writer
