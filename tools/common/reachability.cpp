#include "tools/common/reachability.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include <gnu/lib-names.h>

#include "core/text.h"
#include "tools/common/launchers.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/privileges.h"
#include "tools/common/program_file.h"
#include "tools/common/refusal.h"
#include "tools/common/script.h"

namespace portguard::tools {
namespace {

std::string platform_name(const ElfFile& file) {
    return std::to_string(file.word_bits) + "-bit " + machine_name(file.machine);
}

Reachability unreachable(const std::string& path, const std::string& why, bool other_loader) {
    return {"'" + shown(path) + "' " + why, other_loader, {}};
}

/// A chain of scripts that name each other, and of launchers; the kernel gives up on scripts after five
/// (fs/exec.c, exec_binprm), `env` starts anew.
constexpr int longest_chain = 20;

constexpr std::string_view i386_loader = "ld-linux.so.2";

/// A program, as one of the chain starts it.
struct Step {
    std::string path;
    Words words;
    std::string search_path;
};

/// As the kernel starts a script, and as execvp(3) hands a file to the shell that the kernel cannot read.
Words words_of_script(const Step& script, const std::optional<Shebang>& shebang) {
    Words words{shebang ? shebang->interpreter : "/bin/sh"};
    if (shebang && !shebang->argument.empty()) {
        words.push_back(shebang->argument);
    }
    words.push_back(script.path);
    words.insert(words.end(), script.words.begin() + 1, script.words.end());
    return words;
}

/// Null: the file that comes next does not exist or may not be executed; what runs will say so better.
std::optional<Step> next_step(Words words, std::string search_path) {
    try {
        std::string path = words.empty() ? std::string() : find_program(words[0], search_path);
        return path.empty() ? std::nullopt
                            : std::optional(Step{path, std::move(words), std::move(search_path)});
    } catch (const Refusal&) {
        return std::nullopt;
    }
}

Reachability judge_with_privileges(const std::string& path, const ElfFile& file, const ElfFile& own) {
    const std::string gain = privilege_gain(path);
    return gain.empty() ? judge_elf(path, file, own)
                        : unreachable(path,
                                      gain + ": its loader would ignore LD_PRELOAD; start it as a user for "
                                             "whom it changes nothing",
                                      false);
}

Reachability without_preload(const std::string& launcher) {
    return unreachable(
        launcher, "starts its program without LD_PRELOAD; put `portguard run` behind it, before that program",
        false);
}

} // namespace

bool is_own_command(const std::string& path) {
    std::error_code error;
    return std::filesystem::equivalent(path, "/proc/self/exe", error);
}

ElfFile own_elf() {
    const MappedFile file("/proc/self/exe");
    ElfFile own = read_elf(file.bytes()).value_or(ElfFile{});
    if (own.interpreter.empty()) {
        // Linked statically, the command has none; the shim is made for the libc of the same headers.
        own.interpreter = LD_SO;
    }
    return own;
}

Reachability judge_elf(const std::string& path, const ElfFile& file, const ElfFile& own) {
    const bool is_i386 = has_i386_shim_for(file);
    if (!is_i386 && (file.word_bits != own.word_bits || file.machine != own.machine ||
                     file.little_endian != own.little_endian)) {
        return unreachable(path,
                           "is a " + platform_name(file) + " program and the guard is " + platform_name(own) +
                               ": its loader would skip it; a portguard built for that platform would do",
                           true);
    }
    // Before the linking: with CGO_ENABLED=0 it is static, but a dynamic one calls the kernel no differently.
    if (file.is_go) {
        return unreachable(
            path,
            "is a Go program, which makes its system calls without libc, however it is linked: no "
            "preload reaches it; only the split that sysctl net.ipv4.ip_local_port_range sets does",
            false);
    }
    const std::string_view own_loader = is_i386 ? i386_loader : base_name(own.interpreter);
    if (file.interpreter.empty() && file.soname != own_loader) {
        return unreachable(path, "is statically linked: no loader would read LD_PRELOAD; link it dynamically",
                           false);
    }
    // What the preloaded object needs of a libc, musl has as well.
    const std::string_view loader = base_name(file.interpreter);
    if (!loader.empty() && loader != own_loader && !loader.starts_with("ld-musl-")) {
        return unreachable(path,
                           "is linked against another libc: its loader is " + shown(file.interpreter) +
                               " and the guard needs " + std::string(own_loader) +
                               " or musl's; link it against the GNU C library",
                           true);
    }
    return {{}, false, file};
}

Reachability judge_program(const std::string& path, const Words& words, const ElfFile& own) {
    std::optional<Step> step = Step{path, words, search_path()};
    std::optional<Reachability> first;
    std::string dropped_by;
    for (int depth = 0; step && depth < longest_chain; ++depth) {
        const MappedFile file(step->path);
        const std::optional<ElfFile> elf = read_elf(file.bytes());
        if (!elf) {
            step = file.bytes().empty()
                       ? std::nullopt
                       : next_step(words_of_script(*step, read_shebang(file.text())), step->search_path);
            continue;
        }
        Launch launch = launch_of(base_name(step->path), step->words);
        dropped_by = launch.drops_preload && dropped_by.empty() ? step->path : dropped_by;
        // sudo: what stands before it may well be set-user-ID, and is of no interest.
        if (launch.drops_preload && launch.words.empty()) {
            break;
        }
        if (is_own_command(step->path)) {
            return {};
        }
        Reachability judged = judge_with_privileges(step->path, *elf, own);
        if (!judged.obstacle.empty()) {
            return judged;
        }
        first = first ? first : std::optional(std::move(judged));
        step = next_step(std::move(launch.words), launch.path.value_or(step->search_path));
    }
    return dropped_by.empty() ? first.value_or(Reachability{}) : without_preload(dropped_by);
}

} // namespace portguard::tools
