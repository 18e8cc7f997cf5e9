#include "tools/enable/trial.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tools/common/preload_list.h"

namespace portguard::tools {
namespace {

/// Private first, or the mount would show everywhere. False: errno says why.
bool lay_over(const std::string& file) {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount(file.c_str(), system_preload_file, nullptr, MS_BIND, nullptr) == 0;
}

bool become_user(uid_t user) {
    return user == 0 || (::setgroups(0, nullptr) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0);
}

} // namespace

SignalsHeldBack::SignalsHeldBack() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, &before_);
}

SignalsHeldBack::~SignalsHeldBack() {
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Trial::Trial(const SystemPreload& present, std::string entry)
    : entry_(std::move(entry)), without_(without_own_entries(present.text), present.mode),
      with_(with_entry(present.text, entry_), present.mode) {
    if (!present.exists) {
        const int fd = ::open(system_preload_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        is_placeholder_ = fd >= 0;
        ::close(fd);
    }
    const Ended tried = run_briefly({.words = {"/proc/self/exe", "version"}, .prepare = [this] {
                                         const bool done = lay_over(without_.path());
                                         // The one thing that the child has to say.
                                         const char* const why = done ? "" : std::strerror(errno);
                                         return ::write(STDERR_FILENO, why, std::strlen(why)) == 0;
                                     }});
    why_stand_in_ = tried.errors;
}

Trial::~Trial() {
    if (is_placeholder_) {
        ::unlink(system_preload_file);
    }
}

Ended Trial::run(const TriedProgram& program, bool with_library) const {
    BriefRun run{.words = program.words,
                 .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                 "LC_ALL=C", "HOME=/"}};
    if (!why_stand_in_.empty() && with_library) {
        run.environment.push_back(std::string(preload_variable) + "=" + entry_);
    }
    run.prepare = [this, &program, with_library] {
        const std::string& file = (with_library ? with_ : without_).path();
        return (!why_stand_in_.empty() || lay_over(file)) && become_user(program.user);
    };
    return run_briefly(run);
}

Trial::Verdict Trial::judge(const TriedProgram& program, std::string& how) const {
    const Ended before = run(program, false);
    if (before.could_not_start()) {
        return Verdict::does_not_run_here;
    }
    const Ended after = run(program, true);
    if (!program.shows.empty() && after.status == before.status && after.errors == before.errors) {
        how = "does not load it";
        return after.output.find(program.shows) != std::string::npos ? Verdict::same : Verdict::differs;
    }
    how = after.described() + ", without it " + before.described();
    return before == after ? Verdict::same : Verdict::differs;
}

void Trial::put_into_force() {
    with_.replace_the_real_one();
    is_placeholder_ = false;
}

} // namespace portguard::tools
