#include "tools/reachability.h"

#include <optional>

#include "core/text.h"
#include "tools/output.h"
#include "tools/privileges.h"
#include "tools/program_file.h"
#include "tools/refusal.h"
#include "tools/script.h"

namespace portguard::tools {
namespace {

std::string platform_name(const ElfFile& file) {
    return std::to_string(file.word_bits) + "-bit " + machine_name(file.machine);
}

Reachability unreachable(const std::string& path, const std::string& why, bool other_loader) {
    return {"'" + shown(path) + "' " + why, other_loader, {}};
}

/// A chain of scripts that name each other; the kernel gives up after five (fs/exec.c, exec_binprm), `env`
/// starts anew.
constexpr int longest_chain = 10;

/// Null: the file that comes next does not exist or may not be executed; what runs will say so better.
std::optional<std::string> next_in_chain(const std::string& interpreter, const std::string& argument) {
    const bool is_env = base_name(interpreter) == "env";
    const std::string name = is_env ? program_of_env(argument) : interpreter;
    try {
        return name.empty() ? std::nullopt : std::optional(find_program(name));
    } catch (const Refusal&) {
        return std::nullopt;
    }
}

} // namespace

ElfFile own_elf() {
    const MappedFile file("/proc/self/exe");
    return read_elf(file.bytes()).value_or(ElfFile{});
}

Reachability judge_elf(const std::string& path, const ElfFile& file, const ElfFile& own) {
    if (file.word_bits != own.word_bits || file.machine != own.machine ||
        file.little_endian != own.little_endian) {
        return unreachable(path,
                           "is a " + platform_name(file) + " program and the guard is " + platform_name(own) +
                               ": its loader would skip it; a portguard built for that platform would do",
                           true);
    }
    const std::string_view own_loader = base_name(own.interpreter);
    if (file.interpreter.empty() && file.soname != own_loader) {
        return unreachable(path, "is statically linked: no loader would read LD_PRELOAD; link it dynamically",
                           false);
    }
    if (!file.interpreter.empty() && base_name(file.interpreter) != own_loader) {
        return unreachable(path,
                           "is linked against another libc: its loader is " + shown(file.interpreter) +
                               " and the guard needs " + std::string(own_loader) +
                               "; link it against the GNU C library",
                           true);
    }
    if (file.is_go) {
        return unreachable(path,
                           "is a Go program, which makes its system calls without libc; only the split that "
                           "sysctl net.ipv4.ip_local_port_range sets reaches it",
                           false);
    }
    return {{}, false, file.needed};
}

Reachability judge_program(const std::string& path, const ElfFile& own) {
    std::string current = path;
    for (int depth = 0; depth < longest_chain; ++depth) {
        const MappedFile file(current);
        if (file.bytes().empty()) {
            break;
        }
        const std::optional<ElfFile> elf = read_elf(file.bytes());
        const std::optional<Shebang> shebang = read_shebang(file.text());
        if (elf) {
            const std::string gain = privilege_gain(current);
            return gain.empty()
                       ? judge_elf(current, *elf, own)
                       : unreachable(current,
                                     gain + ": its loader would ignore LD_PRELOAD; start it as a user for "
                                            "whom it changes nothing",
                                     false);
        }
        // A file that the kernel cannot read as a program is handed to the shell by execvp(3).
        const std::optional<std::string> next =
            shebang ? next_in_chain(shebang->interpreter, shebang->argument) : "/bin/sh";
        if (!next) {
            break;
        }
        current = *next;
    }
    return {};
}

} // namespace portguard::tools
