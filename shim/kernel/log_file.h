// Which files a log may be (H32): told once, for the writer and for `portguard run`, which says so before.
#pragma once

#include <cstdint>
#include <string_view>

#include <sys/stat.h>

namespace portguard::log_writer {

/// Why a file that is there is not written to though it could be.
enum class Distrust : std::uint8_t {
    none,
    link,
    /// Neither a plain file nor a FIFO.
    kind,
    /// Another name of another file.
    second_name,
    /// Another user's, neither `user`'s nor root's, or everybody may write to it.
    owner,
};

/// A log in a folder that others may write to could be anything: only a file or FIFO of ours or root's, which
/// nobody else can replace or fill, and which is no other file's second name, is written to.
Distrust distrust_of(const struct stat& status, uid_t user);

/// What follows the log's name: "is a link, which is not followed".
const char* words_for(Distrust distrust);

/// The folder of a log, and its name in there.
struct LogFolder {
    /// O_PATH; or -errno.
    long fd = -1;
    /// NUL-terminated.
    std::string_view name;
    /// For a negative `fd`: the folders that are there, and the one that could not be entered.
    std::string_view reached;
    /// Everybody may write where that stands, and so no link is followed there.
    bool is_public = false;
};

/// `path` ends with a NUL, which is part of it. The caller closes `fd`.
LogFolder open_log_folder(std::string_view path);

} // namespace portguard::log_writer
