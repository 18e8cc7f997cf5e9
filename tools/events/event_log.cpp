#include "tools/events/event_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <unistd.h>
#include <zlib.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

// What a terminal shows at once; a file that is no log at all has a complaint for every line.
constexpr std::size_t most_complaints = 10;

struct CloseGz {
    void operator()(gzFile file) const { ::gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, CloseGz>;

[[noreturn]] void refuse(const std::string& file, const char* reason) {
    throw Refusal(ExitCode::usage, "the log '" + shown(file) + "' cannot be read: " + reason +
                                       "; `log=file:PATH` with `format=json` writes one");
}

/// Plain files are passed through by zlib as they are.
GzFile open_log(const std::string& file) {
    errno = 0;
    GzFile opened(file == standard_input_name ? ::gzdopen(::dup(STDIN_FILENO), "rb")
                                              : ::gzopen(file.c_str(), "rbe"));
    if (opened == nullptr) {
        refuse(file, std::strerror(errno == 0 ? ENOMEM : errno));
    }
    return opened;
}

class LogReader {
public:
    LogReader(const std::string& file, std::uint64_t& events, const std::function<void(LoggedEvent)>& take,
              std::vector<std::string>& complaints)
        : file_(file), log_(open_log(file)), events_(events), take_(take), complaints_(complaints) {}

    void read() {
        std::string buffer(std::size_t{1} << 16, '\0');
        for (;;) {
            const int count = ::gzread(log_.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
            if (count <= 0) {
                end();
                return;
            }
            take_bytes({buffer.data(), static_cast<std::size_t>(count)});
        }
    }

private:
    void take_bytes(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t newline = bytes.find('\n');
            const std::string_view part = bytes.substr(0, newline);
            too_long_ = too_long_ || line_.size() + part.size() > longest_line;
            line_.append(too_long_ ? std::string_view() : part);
            if (newline == std::string_view::npos) {
                return;
            }
            end_line(true);
            bytes.remove_prefix(newline + 1);
        }
    }

    void end_line(bool is_whole) {
        ++number_;
        if (too_long_) {
            complain("the line is longer than " + std::to_string(longest_line) + " bytes");
        } else if (!trimmed(line_).empty()) {
            ParsedEvent parsed = parse_event(line_);
            if (parsed.event.has_value()) {
                take_({std::move(*parsed.event), ++events_, file_, ++events_here_, number_});
            } else {
                complain(is_whole ? parsed.problem : "the last line is cut off: " + parsed.problem);
            }
        }
        line_.clear();
        too_long_ = false;
    }

    void end() {
        int error = Z_OK;
        const char* const words = ::gzerror(log_.get(), &error);
        const std::string reason = error == Z_ERRNO ? std::strerror(errno) : words;
        if (error == Z_ERRNO && number_ == 0 && line_.empty()) {
            refuse(file_, reason.c_str());
        }
        if (too_long_ || !line_.empty()) {
            end_line(false);
        }
        if (error != Z_OK && error != Z_STREAM_END) {
            ++number_;
            complain(error == Z_BUF_ERROR ? "the compressed data is cut off here"
                                          : "nothing more can be read: " + shown(reason));
        }
        if (refused_ > most_complaints) {
            complaints_.push_back(shown(file_) + ": " + std::to_string(refused_ - most_complaints) +
                                  " more lines are not events");
        }
    }

    void complain(const std::string& what) {
        if (++refused_ <= most_complaints) {
            complaints_.push_back(shown(file_) + ":" + std::to_string(number_) + ": " + what);
        }
    }

    std::string file_;
    GzFile log_;
    std::uint64_t& events_;
    const std::function<void(LoggedEvent)>& take_;
    std::vector<std::string>& complaints_;
    std::string line_;
    std::uint64_t number_ = 0;
    std::uint64_t events_here_ = 0;
    std::size_t refused_ = 0;
    bool too_long_ = false;
};

} // namespace

std::vector<std::string> read_event_logs(std::span<const std::string> files,
                                         const std::function<void(LoggedEvent)>& take) {
    std::vector<std::string> complaints;
    std::uint64_t events = 0;
    for (const std::string& file : files) {
        LogReader(file, events, take, complaints).read();
    }
    return complaints;
}

} // namespace portguard::tools
