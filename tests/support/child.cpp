#include "support/child.h"

#include <cerrno>
#include <csignal>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

/// `next`, which lies in `closed`, and nothing else of it, in a folder that everybody may enter.
void show_alone(const std::filesystem::path& closed, const std::filesystem::path& next) {
    const int fd = ::open(next.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    const std::string source = "/proc/self/fd/" + std::to_string(fd);
    if (fd < 0 || ::mount("tmpfs", closed.c_str(), "tmpfs", 0, "mode=755") != 0 ||
        ::mkdir(next.c_str(), 0755) != 0 ||
        ::mount(source.c_str(), next.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "open " + closed.string());
    }
    ::close(fd);
}

/// A checkout in root's home is out of reach for whoever is root no longer. Only this process sees it
/// otherwise.
void open_the_way_to(const std::filesystem::path& program) {
    bool has_own_mounts = false;
    std::filesystem::path folder = "/";
    for (const std::filesystem::path& part : program.relative_path()) {
        struct stat status {};
        const std::filesystem::path next = folder / part;
        if (next != program && ::stat(folder.c_str(), &status) == 0 && (status.st_mode & S_IXOTH) == 0) {
            if (!has_own_mounts && (::unshare(CLONE_NEWNS) != 0 ||
                                    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)) {
                throw std::system_error(errno, std::generic_category(), "mounts of its own");
            }
            has_own_mounts = true;
            show_alone(folder, next);
        }
        folder = next;
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
    open_the_way_to(std::filesystem::read_symlink("/proc/self/exe"));
    if (::setgroups(0, nullptr) != 0 || ::setresgid(id, id, id) != 0 || ::setresuid(id, id, id) != 0) {
        throw std::system_error(errno, std::generic_category(), "become another user");
    }
}

} // namespace portguard::test
