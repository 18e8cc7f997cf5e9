#include "support/child.h"

#include <cerrno>
#include <csignal>
#include <exception>
#include <stdexcept>
#include <system_error>

#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fd.h"

namespace portguard::test {
namespace {

constexpr int threw = 254;

pid_t fork_or_throw() {
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    return pid;
}

[[noreturn]] void run_parked(const std::function<void()>& setup, int ready) {
    // A test that crashes must not leave its child behind.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        setup();
        if (::write(ready, "r", 1) != 1) {
            ::_exit(threw);
        }
    } catch (const std::exception&) {
        ::_exit(threw);
    }
    // setup may have become another user, which clears the death signal.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        ::pause();
    }
}

} // namespace

ParkedChild::ParkedChild(const std::function<void()>& setup) {
    int ends[2];
    if (::pipe(ends) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe");
    }
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    pid_ = fork_or_throw();
    if (pid_ == 0) {
        run_parked(setup, write_end.get());
    }
    write_end.reset();
    char byte = 0;
    if (::read(read_end.get(), &byte, 1) != 1) {
        ::waitpid(pid_, nullptr, 0);
        throw std::runtime_error("the setup of a parked child failed");
    }
}

ParkedChild::~ParkedChild() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

int result_in_child(const std::function<int()>& body) {
    const pid_t pid = fork_or_throw();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            ::_exit(body());
        } catch (const std::exception&) {
            ::_exit(threw);
        }
    }
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) == threw) {
        return -1;
    }
    return WEXITSTATUS(status);
}

void become_user(unsigned id) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(id, id, id) != 0 || ::setresuid(id, id, id) != 0) {
        throw std::system_error(errno, std::generic_category(), "become another user");
    }
}

} // namespace portguard::test
