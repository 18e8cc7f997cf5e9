// The parts of log_writer.h: a way to write for each kind of file that a log can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <sys/uio.h>

#include "core/config.h"
#include "kernel/log_writer.h"

namespace portguard::log_writer {

/// What came of one way to write a block.
struct Attempt {
    /// Empty: it was written. Else what follows the log's name: "could not be opened".
    const char* obstacle = "";
    /// 0: none to name.
    int error = 0;

    [[nodiscard]] bool is_written() const { return *obstacle == '\0'; }
};

inline constexpr Attempt done{};
inline Attempt not_opened(long result) {
    return {"could not be opened", static_cast<int>(-result)};
}
inline Attempt not_written(long result) {
    return {"could not be written", static_cast<int>(-result)};
}

/// One entry of the system's log.
struct Entry {
    Level level = Level::error;
    std::int32_t pid = 0;
    std::string_view text;
    std::span<const Field> fields;
};

/// How a write to a descriptor is kept from waiting.
enum class Manner : std::uint8_t {
    /// The open file description has O_NONBLOCK.
    nonblocking,
    /// It does not, and is not ours to change: RWF_NOWAIT, or, before Linux 6.4, no more than what poll(2)
    /// promises.
    shared,
};

Attempt write_to_descriptor_2(std::string_view block);
Attempt write_to_file(const char* pattern, std::int32_t pid, std::string_view block);
Attempt write_to_pipe(int fd, Manner manner, std::string_view block);
/// `fd` has O_NONBLOCK.
Attempt write_to_terminal(int fd, std::string_view block);
Attempt write_to_unix_socket(int fd, std::string_view block);
/// A plain file with O_APPEND.
Attempt append(int fd, std::string_view block);
Attempt write_to_journal(const Entry& entry);
Attempt write_to_syslog(const Entry& entry);

/// A program that closed one of 0, 1, 2 must not find our file there, however briefly it matters. `fd`: a
/// descriptor or -errno, as is the result.
long above_standard(long fd);

/// A write that went in by halves may have the rest, for a moment: a reader that is there takes it within
/// that.
class Patience {
public:
    /// True: `fd` may take more. False: it does not, the patience is at its end, or nobody may ask (seccomp).
    bool is_worth_waiting(int fd);

private:
    static constexpr int turn_ms = 5;
    int turns_ = 4;
};

/// poll(2) without waiting. False: no, or nobody may ask.
bool is_writable_now(int fd);

inline iovec piece_of(std::string_view text) {
    return {const_cast<char*>(text.data()), text.size()};
}

} // namespace portguard::log_writer
