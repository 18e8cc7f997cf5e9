// Programs run twice, without libportguard.so and with it, before every program of the machine gets it.
#pragma once

#include <csignal>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tools/enable/brief_run.h"
#include "tools/enable/loaders.h"
#include "tools/enable/preload_file.h"

namespace portguard::tools {

struct TriedProgram {
    /// As it is named to the administrator.
    std::string name;
    std::vector<std::string> words;
    uid_t user = 0;
    /// What it writes has to hold this with the library; empty: what it writes without.
    std::string shows = {};
    /// What may be missing where it differs; empty: nothing is known.
    std::string hint = {};
};

/// A shell as root and as nobody, python3 where there is one, and the libc of every loader.
std::vector<TriedProgram> programs_to_try(const std::vector<Loader>& loaders);

/// While programs are tried, a signal would leave files behind in /etc.
class SignalsHeldBack {
public:
    SignalsHeldBack();
    SignalsHeldBack(const SignalsHeldBack&) = delete;
    SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
    ~SignalsHeldBack();

private:
    sigset_t before_{};
};

/// The file to be tried lies over /etc/ld.so.preload, in a mount namespace in which the programs run: the
/// loader finds it as it would. Where none can be had, LD_PRELOAD stands in for it.
class Trial {
public:
    /// Throws Refusal.
    Trial(const SystemPreload& present, std::string entry);
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;
    ~Trial();

    /// Why LD_PRELOAD stood in; empty: it did not.
    [[nodiscard]] const std::string& why_stand_in() const { return why_stand_in_; }

    enum class Verdict { same, does_not_run_here, differs };
    /// `how`: what differs, of Verdict::differs.
    Verdict judge(const TriedProgram& program, std::string& how) const;

    /// The text that was tried becomes that of the real file. Throws Refusal.
    void put_into_force();

private:
    [[nodiscard]] Ended run(const TriedProgram& program, bool with_library) const;
    [[nodiscard]] std::string obstacle_to_namespace() const;

    SignalsHeldBack signals_;
    std::string entry_;
    PreloadDraft without_;
    PreloadDraft with_;
    /// Nothing can lie over a file that is not there.
    bool is_placeholder_ = false;
    std::string why_stand_in_;
};

} // namespace portguard::tools
