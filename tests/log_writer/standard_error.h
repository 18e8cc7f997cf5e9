// What the tests of the writer share: another file as descriptor 2, and reports to write.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "kernel/log_writer.h"
#include "support/fd.h"

namespace portguard::test {

using Fate = log_writer::Outcome;

/// While it lives, `fd` is descriptor 2.
class StandardError {
public:
    explicit StandardError(int fd);
    explicit StandardError(const Fd& fd) : StandardError(fd.get()) {}
    StandardError(const StandardError&) = delete;
    StandardError& operator=(const StandardError&) = delete;
    ~StandardError();

private:
    Fd saved_;
};

/// The configuration of "log=VALUE".
Config config_of(std::string_view log);

/// `log_writer::write` of an error of process 4242.
Fate write_report(const Config& config, std::string_view block);
/// With log=stderr, `fd` being descriptor 2 and ours.
Fate write_to(const Fd& fd, std::string_view block);

/// `size` bytes of lines, each numbered and ending with a mark, so that a torn one shows.
std::string report_of(std::size_t size);
/// The lines of `text` that are not whole ones of a report, the last one's missing newline included.
std::vector<std::string> torn_lines(std::string_view text);

/// Runs `work` in a child; what it returns is the exit status. -1: it did not end within the patience of a
/// test.
int in_child(const std::function<int()>& work);

/// So that nothing can be opened by its number: an empty /proc. For a child.
void hide_proc();

struct Pipe {
    Fd reader;
    Fd writer;
};
/// The writer without O_NONBLOCK, as a program's stderr is.
Pipe make_pipe();
/// Everything that can be read now.
std::string drain(const Fd& reader);
/// Writes `piece` until nothing more goes in; the flags of the pipe are as before.
void fill(const Fd& writer, std::string_view piece);

} // namespace portguard::test
