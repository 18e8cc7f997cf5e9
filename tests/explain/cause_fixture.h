// The cause of a bind that the kernel refuses, as the report has it in JSON.
#pragma once

#include <algorithm>
#include <csignal>
#include <exception>
#include <fstream>
#include <functional>
#include <string>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "explain/explain_fixture.h"
#include "support/child.h"

namespace portguard::test {

/// Python, told what to do; `code` ends with print("ready", flush=True) and a sleep.
class OtherProgram {
public:
    explicit OtherProgram(const std::string& code, unsigned user = 0) {
        int ready[2];
        EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (user != 0) {
                become_user(user);
            }
            dup2(ready[1], STDOUT_FILENO);
            const std::string whole = "from socket import *;import os,time\n" + code +
                                      "\nprint('ready',flush=True)\ntime.sleep(600)";
            execl("/usr/bin/python3", "python3", "-c", whole.c_str(), nullptr);
            _exit(127);
        }
        close(ready[1]);
        char byte = 0;
        EXPECT_EQ(read(ready[0], &byte, 1), 1) << "the other program did not start";
        // Open as long as it may write more.
        output_ = Fd(ready[0]);
    }
    OtherProgram(const OtherProgram&) = delete;
    OtherProgram& operator=(const OtherProgram&) = delete;
    ~OtherProgram() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = -1;
    Fd output_;
};

/// What `body` returns in a forked child.
inline std::string in_child(const std::function<std::string()>& body) {
    int result[2];
    EXPECT_EQ(pipe(result), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(result[0]);
        std::string text;
        try {
            text = body();
        } catch (const std::exception& error) {
            text = std::string("the child threw: ") + error.what();
        }
        _exit(write(result[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    close(result[1]);
    std::string text(65536, '\0');
    const ssize_t length = read(result[0], text.data(), text.size());
    close(result[0]);
    waitpid(child, nullptr, 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return text;
}

/// For good, and as a program that was started by that user: its own /proc can be read.
inline void act_as_user(unsigned id) {
    become_user(id);
    prctl(PR_SET_DUMPABLE, 1);
}

inline std::string comm_of(pid_t pid) {
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
    return name;
}

/// A program has its name before its libraries, by which it is told what it imports.
inline bool has_loaded_libc(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find("/libc.so") != std::string::npos) {
            return true;
        }
    }
    return false;
}

class CauseTest : public ExplainTest {
protected:
    void SetUp() override {
        ExplainTest::SetUp();
        set_ephemeral_range(32768, 60999);
        config.format = Format::json;
    }

    /// What is reported of a bind of `socket` that the kernel refuses with `error`.
    [[gnu::noinline]] std::string cause(const Fd& socket, const Address& address, int error = EADDRINUSE,
                                        EventKind kind = EventKind::in_use) {
        EXPECT_EQ(bind_to(socket, address), Outcome{error});
        FailedCall report(socket, address);
        report.snapshot.kind = kind;
        report.snapshot.error = error;
        report.snapshot.facts = SocketFacts::of(
            get_option(socket, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM ? Protocol::udp : Protocol::tcp);
        return reported_cause(report);
    }
    std::string cause_for(const Address& address) {
        const Fd socket = tcp_socket(address.storage.ss_family);
        return cause(socket, address);
    }
    [[gnu::noinline]] std::string reported_cause(const FailedCall& report) {
        const Explanation explained = explained_now(report);
        written = explained.text;
        event = written.empty() ? nlohmann::json() : nlohmann::json::parse(written);
        return written.empty() ? std::string() : event["cause"].get<std::string>();
    }

    /// "self: this process …".
    std::string cause_and_sentence(const Fd& socket, const Address& address, int error = EADDRINUSE,
                                   EventKind kind = EventKind::in_use) {
        const std::string name = cause(socket, address, error, kind);
        return name + ": " + sentence();
    }

    [[nodiscard]] std::string sentence() const { return event["sentence"]; }
    static bool has(const std::string& words) { return written.find(words) != std::string::npos; }
    /// A cure has these words.
    [[nodiscard]] bool advises(const std::string& words) const {
        for (const auto& cure : event["cures"]) {
            if (cure["command"].get<std::string>().find(words) != std::string::npos) {
                return true;
            }
        }
        return false;
    }
    /// A fact of the evidence has these words.
    [[nodiscard]] bool rests_on(const std::string& words) const {
        for (const auto& entry : event["evidence"]) {
            if (entry["fact"].get<std::string>().find(words) != std::string::npos) {
                return true;
            }
        }
        return false;
    }

    nlohmann::json event;

private:
    [[gnu::noinline]] Explanation explained_now(FailedCall report) {
        ucontext_t context{};
        getcontext(&context);
        report.snapshot.config = config;
        return explain(report, context, helper);
    }
};

} // namespace portguard::test
