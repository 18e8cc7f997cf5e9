// Processes that take part in a scene, and the words they exchange with the one who directs it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "tools/repro/scene.h"

namespace portguard::tools {

/// One end of a line between two processes; a message is received as it was sent.
class Line {
public:
    explicit Line(int fd) : fd_(fd) {}
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line();

    void send(std::string_view message) const;
    /// Null: the other end has gone. `each_second`, where it is given, is called while nothing comes.
    [[nodiscard]] std::optional<std::string> receive(const std::function<void()>& each_second = {}) const;
    /// For both sides, in whatever processes they are.
    void end() const;

private:
    int fd_;
};

/// A forked process that runs `body` with its end of a line and ends. What `body` throws is sent as a message
/// that begins with `failure_mark`.
class Child {
public:
    explicit Child(const std::function<void(const Line&)>& body);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    /// Ends the line and waits for the process.
    ~Child();

    void send(std::string_view message) const { line_->send(message); }
    /// As of Line. Throws Refusal where the other end failed or has gone.
    [[nodiscard]] std::string receive(const std::function<void()>& each_second = {}) const;
    /// Waits for the process, while the line goes on: a child of its own has it.
    void leave_to_its_child();

private:
    pid_t pid_ = -1;
    std::optional<Line> line_;
};

inline constexpr std::string_view failure_mark = "\x01";

/// Becomes the user `uid` for good, with what groups that one has; where this is the caller, nothing. Throws
/// Refusal.
void become(uid_t uid);

/// User, capabilities and system calls of scene's asking process, for good. Throws Refusal.
void enter_asking_process(const Scene& scene, bool other_users);

} // namespace portguard::tools
