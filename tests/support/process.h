// Starts a program and tells what became of it: output, exit status, signal.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include <sys/types.h>

#include "support/fd.h"

namespace portguard::test {

struct ProcessSpec {
    /// argv[0] is searched in PATH if it holds no slash.
    std::vector<std::string> argv = {};
    /// Changes to the test's own environment: "NAME=value" sets, "NAME" removes. PORTGUARD_* and LD_PRELOAD
    /// of whoever runs the tests are always removed first.
    std::vector<std::string> environment = {};
    /// Empty: the test's own.
    std::string folder = {};
    /// In the child, just before exec, such as a change of user. What it throws ends the child with status
    /// 254.
    std::function<void()> before_exec = {};
};

struct Finished {
    pid_t pid = -1;
    /// -1: ended by a signal.
    int exit_status = -1;
    /// 0: it exited.
    int signal = 0;
    /// It was still there at the deadline, and has been killed.
    bool timed_out = false;
    std::string out;
    std::string err;

    /// As waitpid(2) returns it.
    void set_status(int wait_status);
    [[nodiscard]] bool exited_with(int status) const { return signal == 0 && exit_status == status; }
};
/// So that a failed EXPECT_TRUE can show what the program said.
std::ostream& operator<<(std::ostream& stream, const Finished& finished);

/// A running program whose output can be looked at at any time. It writes into memory files, so it never
/// waits for a reader and a grandchild that keeps its output open holds nobody up; standard input is
/// /dev/null. It goes with this object, and so do those of its children that stay in its process group.
class Process {
public:
    explicit Process(const ProcessSpec& spec);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;
    void send_signal(int number) const;

    /// Waits for the end; at the deadline the program is killed. To be called once.
    Finished finish(std::chrono::milliseconds deadline = std::chrono::seconds(30));

private:
    int reap();

    pid_t pid_ = -1;
    bool reaped_ = false;
    Fd out_;
    Fd err_;
};

/// Starts it and waits for its end.
Finished run_process(const ProcessSpec& spec);

} // namespace portguard::test
