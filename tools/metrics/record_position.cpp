#include "tools/metrics/record_position.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "kernel/syscalls.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/replaced_file.h"

namespace portguard::tools {
namespace {

constexpr std::size_t chunk = std::size_t{1} << 16;
/// Of an event that has a time and a process in it.
constexpr std::size_t fingerprint_length = 256;

std::uint64_t fingerprint_of(int fd, std::uint64_t offset) {
    std::array<char, fingerprint_length> bytes{};
    const std::size_t length = std::min<std::uint64_t>(offset, bytes.size());
    const ssize_t count = ::pread(fd, bytes.data(), length, static_cast<off_t>(offset - length));
    return Fnv1a().add(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0).value();
}

std::string named(const RecordPosition& position) {
    return "the record '" + shown(position.file) + "'";
}

class Reading {
public:
    Reading(RecordPosition& position, EventCounts& counts, std::vector<std::string>& complaints)
        : position_(position), counts_(counts), complaints_(complaints) {}

    bool read() {
        const ScopedFd file(::open(position_.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), syscalls_);
        struct stat status {};
        if (!file.valid() || ::fstat(file.get(), &status) != 0) {
            complain(std::string("cannot be read: ") + std::strerror(errno) +
                     "; `portguard run --record=file:PATH` writes one");
            return false;
        }
        if (!S_ISREG(status.st_mode)) {
            complain("is not a plain file; use one that --record=file:PATH has written");
            return false;
        }
        if (position_.inode != 0) {
            find_place(file.get(), status);
        }
        position_.device = status.st_dev;
        position_.inode = status.st_ino;
        read_on(file.get(), false);
        return is_whole_;
    }

private:
    [[nodiscard]] bool is_same(const struct stat& status) const {
        return status.st_dev == position_.device && status.st_ino == position_.inode;
    }

    /// Of the file as it was left, or the start of another.
    void find_place(int fd, const struct stat& status) {
        const auto size = static_cast<std::uint64_t>(status.st_size);
        if (!is_same(status)) {
            read_rest_of_renamed();
        } else if (size < position_.offset) {
            complain("shrank from " + std::to_string(position_.offset) + " to " + std::to_string(size) +
                     " bytes, and is read from its start; a rotation that renames it (`nocopytruncate` of "
                     "logrotate) loses no event");
        } else if (fingerprint_of(fd, position_.offset) != position_.fingerprint) {
            complain(
                "was overwritten, and is read from its start; a rotation that renames it loses no event");
        } else {
            return;
        }
        position_.offset = 0;
        position_.is_in_long_line = false;
    }

    /// "events.log.1", beside the new one.
    void read_rest_of_renamed() {
        std::error_code error;
        const std::string name = std::filesystem::path(position_.file).filename().string();
        for (const auto& entry : std::filesystem::directory_iterator(folder_of(position_.file), error)) {
            struct stat status {};
            if (entry.path().filename().string().starts_with(name) &&
                ::lstat(entry.path().c_str(), &status) == 0 && S_ISREG(status.st_mode) && is_same(status)) {
                const ScopedFd file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
                                    syscalls_);
                if (file.valid() && fingerprint_of(file.get(), position_.offset) == position_.fingerprint) {
                    read_on(file.get(), true);
                    return;
                }
            }
        }
        complain("was replaced, and what was written to the one before it since is not beside it; keep the "
                 "last one there uncompressed (`delaycompress` of logrotate)");
    }

    /// `is_last`: nothing is written to it any more.
    void read_on(int fd, bool is_last) {
        LineCounter lines(counts_, position_.is_in_long_line);
        std::string buffer(chunk, '\0');
        std::uint64_t place = position_.offset;
        ssize_t count = 0;
        while ((count = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(place))) > 0) {
            lines.take({buffer.data(), static_cast<std::size_t>(count)});
            place += static_cast<std::uint64_t>(count);
        }
        const int error = count < 0 ? errno : 0;
        if (is_last && error == 0) {
            lines.take_rest();
        }
        position_.offset += lines.settled();
        position_.is_in_long_line = lines.is_in_long_line();
        position_.fingerprint = fingerprint_of(fd, position_.offset);
        if (lines.unreadable() != 0) {
            complain("has " + counted(lines.unreadable(), "line") + " that " +
                     (lines.unreadable() == 1 ? "is not an event: " : "are not events; the first: ") +
                     lines.problem() + "; `portguard events " + shell_word(shown(position_.file)) +
                     "` names the place");
        }
        if (error != 0) {
            complain(std::string("cannot be read to its end: ") + std::strerror(error) +
                     "; the rest is read the next time");
        }
    }

    /// One sentence per record: the first says why.
    void complain(const std::string& what) {
        if (is_whole_) {
            complaints_.push_back(named(position_) + " " + what);
        }
        is_whole_ = false;
    }

    RecordPosition& position_;
    EventCounts& counts_;
    std::vector<std::string>& complaints_;
    Syscalls syscalls_;
    bool is_whole_ = true;
};

} // namespace

bool read_record(RecordPosition& position, EventCounts& counts, std::vector<std::string>& complaints) {
    return Reading(position, counts, complaints).read();
}

} // namespace portguard::tools
