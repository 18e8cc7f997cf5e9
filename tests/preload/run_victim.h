// Runs a program as a user of portguard would, and tells what became of it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "support/fd.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace portguard::test {

#ifdef PORTGUARD_SANITIZED
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

/// GCC 12's ASan does nothing about its locks at fork: a child forked while another thread allocates may wait
/// for ever in its malloc (seen in gdb: Quarantine::Drain, LargeMmapAllocator::Allocate).
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool malloc_may_stay_locked_in_children = true;
#else
inline constexpr bool malloc_may_stay_locked_in_children = false;
#endif

/// Where the build has put things.
const char* shim_path();
std::string victim(std::string_view name);
std::string victim_object(std::string_view name);

struct Run {
    std::vector<std::string> argv;
    /// The PORTGUARD_* and whatever else the program is to see, "NAME=value"; nothing else of ours gets in.
    std::vector<std::string> environment = {};
    bool with_shim = true;
    /// Objects before and after the shim in LD_PRELOAD.
    std::vector<std::string> preloaded_before = {};
    std::vector<std::string> preloaded_after = {};
    /// Another path to the shim; empty: shim_path().
    std::string shim = {};
    std::chrono::milliseconds deadline{20000};
    /// In the child, after its descriptors 0-2 are there and before exec.
    std::function<void()> before_exec = {};
};

/// Starts the program, waits for its end (or ends it at the deadline) and returns what it wrote.
Finished run(const Run& what);

/// The value of LD_PRELOAD: a sanitizer's run-time has to come first (H17).
std::string preload_value(const Run& what);

/// A program that runs beside the test: its standard input is a pipe that only this object holds, so that it
/// can be told to end, and it is killed where it does not.
class Background {
public:
    explicit Background(const Run& what);
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    ~Background();

    /// One line of its output, without the newline; empty at its end or the deadline.
    std::string read_line();
    void send(std::string_view text);
    /// Closes its input and waits for it.
    Finished finish();
    void kill_hard();
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    friend Finished run(const Run& what);
    void pump(int timeout_ms);
    void wait_for_end(std::chrono::steady_clock::time_point end);

    pid_t pid_ = -1;
    Fd input_;
    Fd output_;
    Fd errors_;
    std::chrono::milliseconds deadline_;
    std::size_t lines_read_ = 0;
    Finished result_;
};

/// The whole of a small file; empty where there is none.
std::string read_text(const std::string& path);
void write_text(const std::string& path, std::string_view text);

/// How often `needle` stands in `text`.
std::size_t count_of(std::string_view text, std::string_view needle);

} // namespace portguard::test
