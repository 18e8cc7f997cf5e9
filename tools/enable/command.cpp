// `portguard enable` and `portguard disable`.
#include <array>
#include <filesystem>
#include <string>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/config_report.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/refusal.h"
#include "tools/enable/preload_entry.h"
#include "tools/enable/safe_library.h"
#include "tools/enable/trial.h"

namespace portguard::tools {
namespace {

constexpr std::string_view system_name = "system";
constexpr std::string_view dry_run_name = "dry_run";

constexpr std::array enable_parameters{
    Parameter{system_name, "", "", "in every program, by /etc/ld.so.preload"},
    Parameter{dry_run_name, "", "", "only try, and change nothing"},
};
constexpr std::array disable_parameters{
    Parameter{system_name, "", "", "out of /etc/ld.so.preload"},
};

void require_system(const Arguments& arguments, const std::string& command) {
    if (!arguments.has(system_name)) {
        throw Refusal(ExitCode::usage,
                      "expected `portguard " + command +
                          " --system`, which is about every program of this machine; for one "
                          "program there is `portguard run`");
    }
}

/// Of the file alone: the environment of this shell is not that of others.
std::string active_settings() {
    const char* const nothing = nullptr;
    const ResolvedConfig resolved({}, &nothing);
    const Config& config = resolved.draft().config;
    std::string text = "mode=" + printed_value(config, "mode") + ", ";
    text += config.has_listen ? "listen=" + printed_value(config, "listen") : "no listen: nothing is refused";
    return text + "; log=" + printed_value(config, "log") +
           (::access(default_config_path.data(), F_OK) == 0 ? "; from " : "; there is no ") +
           std::string(default_config_path);
}

/// Also where no other program starts any more: static, and beside no library.
std::string command_to_undo() {
    std::error_code error;
    const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
    return shell_word(error ? "portguard" : own.string()) + " disable --system";
}

[[noreturn]] void refuse(const TriedProgram& program, const std::string& how, const std::string& entry,
                         const SystemPreload& present) {
    const std::string end = own_entries(present.text).empty()
                                ? "/etc/ld.so.preload is as it was"
                                : "it is in /etc/ld.so.preload: `" + command_to_undo() +
                                      "` takes it out, also where no other program starts";
    throw Refusal(ExitCode::findings, "with " + shown(entry) + " '" + shown(program.name) + "' " + how +
                                          "; " + (program.hint.empty() ? "" : program.hint + "; ") + end);
}

void add_name(std::string& list, const std::string& name) {
    list.append(list.empty() ? "" : ", ").append(shown(name));
}

int enable(const Arguments& arguments) {
    require_system(arguments, "enable");
    const std::string library = find_shim();
    require_roots_own(library);
    const std::string active = active_settings();
    const SystemPreload present = read_system_preload();
    const std::vector<Loader> loaders = find_loaders();
    const std::string entry = preload_entry(library, loaders);
    Trial trial(present, entry);
    std::string tried;
    for (const TriedProgram& program : programs_to_try(loaders)) {
        std::string how;
        const Trial::Verdict verdict = trial.judge(program, how);
        if (verdict == Trial::Verdict::differs) {
            refuse(program, how, entry, present);
        }
        if (verdict == Trial::Verdict::same) {
            add_name(tried, program.name);
        }
    }
    const bool is_there = with_entry(present.text, entry) == present.text;
    const bool only_tries = arguments.has(dry_run_name);
    if (!is_there && !only_tries) {
        trial.put_into_force();
    }
    std::string unguarded = "static programs";
    for (const Loader& loader : loaders) {
        if (loader.is_musl()) {
            add_name(unguarded, "those of " + loader.path);
        }
    }
    print(std::string(system_preload_file) + ": " + shown(entry) +
          (is_there     ? " was there already\n"
           : only_tries ? " could be added; nothing was changed\n"
                        : " is in every program that starts from now on\n") +
          "  tried      " + tried + "\n" +
          (trial.why_stand_in().empty()
               ? ""
               : "             by LD_PRELOAD, since no mount namespace can be had (" + trial.why_stand_in() +
                     ")\n") +
          "  unguarded  " + unguarded + "\n  active     " + active + "\n  to undo    " + command_to_undo() +
          "\n");
    return 0;
}

int disable(const Arguments& arguments) {
    require_system(arguments, "disable");
    const SystemPreload present = read_system_preload();
    std::string own;
    for (const std::string& entry : own_entries(present.text)) {
        add_name(own, entry);
    }
    if (own.empty()) {
        print(std::string(system_preload_file) + ": portguard is not in it\n");
        return 0;
    }
    const std::string left = without_own_entries(present.text);
    if (left.empty()) {
        remove_system_preload();
    } else {
        PreloadDraft(left, present.mode).replace_the_real_one();
    }
    print(std::string(system_preload_file) + ": " + own +
          " removed; programs that run keep it until they are started again\n");
    return 0;
}

} // namespace

const Command enable_command{
    .name = "enable",
    .summary = "puts the guard into every program of this machine, after a trial",
    .description = R"(
Adds the library to /etc/ld.so.preload, from which the loader of glibc takes what every program gets, once a
shell, python3 and every libc of this machine have run with it as they do without. As root.

Where one of them differs, the file stays as it is. The trial lays the new file over the old one in a mount
namespace of its own, so that it is the loader's real way; where none can be had it uses LD_PRELOAD, and says so. The
real file is replaced by a rename; other lines of it stay. Given again, it is a trial of what is in force.

Options come from /etc/portguard.conf (portguard.conf(5)): without it nothing is refused, and each program reports
on its own stderr; log=journal sends reports to the journal. Set-user-ID programs load the library, in which it
does nothing; static programs and those of musl do not.

`portguard disable --system` is the way back. It is static, and works where no other program starts.
)",
    .exit_status = R"(
0 it is in force; with --dry-run: it could be
1 a program differs with it, the library is not root's alone, or the file cannot be replaced
2 the command line or /etc/portguard.conf is wrong
3 the library is missing
)",
    .examples = R"(
portguard enable --system --dry-run
portguard enable --system
)",
    .own = enable_parameters,
    .run = enable,
};

const Command disable_command{
    .name = "disable",
    .summary = "takes the guard out of every program of this machine",
    .description = R"(
Takes the library out of /etc/ld.so.preload, wherever it lies and whether or not it is still there; other lines
stay, and a file that had nothing else is removed. Programs that run keep it until they are started again. It needs
no loader: it works where no other program starts.
)",
    .exit_status = R"(
0 it is not in the file, or no longer
1 the file cannot be replaced
2 the command line is wrong
)",
    .examples = R"(
portguard disable --system
)",
    .own = disable_parameters,
    .run = disable,
};

} // namespace portguard::tools
