#include "tools/repro/stand_in.h"

#include <csignal>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/condition.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// Whoever has a copy of the line's end ends with the director; the first one speaks.
void sit(const Line& line) {
    static_cast<void>(line.receive());
}

void share_descriptors(unsigned processes, const Line& line) {
    for (unsigned index = 1; index < processes; ++index) {
        if (::fork() == 0) {
            sit(line);
            ::_exit(0);
        }
    }
}

void hold(const StandIn& stand_in, bool other_users, const Line& line) {
    if (other_users && stand_in.uid.has_value()) {
        become(*stand_in.uid);
    }
    if (!stand_in.comm.empty()) {
        ::prctl(PR_SET_NAME, stand_in.comm.c_str());
    }
    Condition condition;
    std::string failures;
    try {
        condition.add(stand_in.sockets);
    } catch (const ConditionError& error) {
        failures = error.what();
    }
    share_descriptors(stand_in.processes, line);
    line.send("ready" + failures);
    sit(line);
    while (::wait(nullptr) > 0) {
    }
}

/// In a session whose leader goes, so that it has outlived who started it.
void hold_left_behind(const StandIn& stand_in, bool other_users, const Line& line) {
    ::setsid();
    const pid_t child = ::fork();
    if (child != 0) {
        return;
    }
    // The one who started it is gone once another has adopted it.
    const pid_t leader = ::getsid(0);
    while (::getppid() == leader) {
        ::usleep(1000);
    }
    hold(stand_in, other_users, line);
}

} // namespace

void StandIns::start(const Scene& scene, bool other_users) {
    constexpr std::string_view ready = "ready";
    for (const StandIn& stand_in : scene.stand_ins) {
        auto process = std::make_unique<Child>([&](const Line& line) {
            // What the terminal says is meant for the program.
            for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
                ::signal(number, SIG_IGN);
            }
            (stand_in.is_left_behind ? hold_left_behind : hold)(stand_in, other_users, line);
        });
        const std::string answer = process->receive();
        if (stand_in.is_left_behind) {
            process->leave_to_its_child();
        }
        if (answer.size() > ready.size()) {
            missing_.push_back(answer.substr(ready.size()));
        }
        const bool is_another_user = stand_in.uid.has_value() && stand_in.uid != scene.uid;
        if (!other_users && is_another_user) {
            missing_.push_back("user " + std::to_string(*stand_in.uid) +
                               ": without root its sockets are made by the user who asks");
        }
        processes_.push_back(std::move(process));
    }
}

} // namespace portguard::tools
