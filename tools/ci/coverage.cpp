#include "tools/ci/coverage.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include "core/text.h"
#include "kernel/proc.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/preload_list.h"
#include "tools/common/privileges.h"
#include "tools/common/program_file.h"
#include "tools/common/reachability.h"

namespace portguard::tools {
namespace {

constexpr std::size_t most_text = std::size_t{4} << 20;
constexpr std::size_t most_lines = 10;
constexpr std::string_view mapped_shim = "/libportguard.so";
constexpr std::string_view helper_name = "portguard-explain";
constexpr std::string_view supervisor_everywhere = "a supervisor was beside every program";

std::string proc_file(const TreeProcess& process, const char* name) {
    return "/proc/" + std::to_string(process.pid) + "/" + name;
}

/// Empty: `error` says why.
std::string executable_of(const TreeProcess& process, std::error_code& error) {
    return std::filesystem::read_symlink(proc_file(process, "exe"), error).string();
}

/// "LD_PRELOAD=...libportguard.so..." as the process was given it.
bool was_told_to_preload(const std::string& environment) {
    std::string_view rest = environment;
    while (!rest.empty()) {
        const std::string_view entry = next_field(rest, '\0');
        if (entry.starts_with(std::string(preload_variable) + "=")) {
            return entry.find(mapped_shim) != std::string_view::npos;
        }
    }
    return false;
}

} // namespace

Coverage::Coverage() : own_elf_(own_elf()), can_list_(can_list_descendants()) {}

void Coverage::sample() {
    for (const TreeProcess& process : descendants()) {
        look_at(process);
    }
}

void Coverage::look_at(const TreeProcess& process) {
    std::error_code error;
    const std::string path = executable_of(process, error);
    if (path.empty() && error != std::errc::permission_denied) {
        return; // it is about to end
    }
    // Neither is guarded, nor has to be.
    if (is_own_command(path) || base_name(path) == helper_name) {
        return;
    }
    std::vector<Program>& programs = programs_[process];
    if (path.empty()) {
        if (programs.empty()) {
            programs.push_back({"pid " + std::to_string(process.pid), Presence::outside,
                                "may not be looked into by this user"});
        }
        return;
    }
    const bool was_seen_before = !programs.empty() && programs.back().path == path;
    if (!was_seen_before) {
        programs.push_back({path, Presence::starting, {}});
    }
    if (programs.back().presence == Presence::starting) {
        judge(process, was_seen_before, programs.back());
    }
}

void Coverage::judge(const TreeProcess& process, bool was_seen_before, Program& program) {
    const auto maps = read_text_file(proc_file(process, "maps").c_str(), most_text, {});
    const std::string& obstacle = obstacle_of(process, program.path);
    if (!obstacle.empty()) {
        program.presence = Presence::outside;
        program.reason = obstacle;
    } else if (maps.has_value() && maps->find(mapped_shim) != std::string::npos) {
        program.presence = Presence::inside;
    } else if (maps.has_value() && !maps->empty() && was_seen_before) {
        // One look may fall between execve(2) and the loader's work.
        const auto environment = read_text_file(proc_file(process, "environ").c_str(), most_text, {});
        program.presence = Presence::outside;
        program.reason = was_told_to_preload(environment.value_or(""))
                             ? "left the guard out, though LD_PRELOAD names it"
                             : "was started with an environment without LD_PRELOAD";
    }
}

const std::string& Coverage::obstacle_of(const TreeProcess& process, const std::string& path) {
    const auto [entry, is_new] = obstacles_.try_emplace(path);
    if (is_new) {
        const MappedFile file(proc_file(process, "exe"));
        const std::optional<ElfFile> elf = read_elf(file.bytes());
        const std::string gain = privilege_gain(path);
        entry->second = elf.has_value() ? judge_elf(path, *elf, own_elf_).obstacle : "";
        if (entry->second.empty() && !gain.empty()) {
            entry->second = "'" + shown(path) + "' " + gain + ": its loader ignores LD_PRELOAD";
        }
    }
    return entry->second;
}

std::string Coverage::receipt_of_library(bool beside_supervisor) const {
    const std::string supervisor = beside_supervisor ? std::string(supervisor_everywhere) : std::string();
    if (!can_list_) {
        return (beside_supervisor ? supervisor + "; what the library was in is" : "coverage") +
               " unknown: this kernel does not list children (CONFIG_PROC_CHILDREN)\n";
    }
    std::size_t seen = 0;
    std::size_t inside = 0;
    std::map<std::string, std::size_t> outside;
    for (const auto& [process, programs] : programs_) {
        for (const Program& program : programs) {
            seen += program.presence != Presence::starting ? 1U : 0U;
            inside += program.presence == Presence::inside ? 1U : 0U;
            if (program.presence == Presence::outside) {
                const bool has_name = program.reason.starts_with('\'');
                ++outside[has_name ? program.reason : "'" + shown(program.path) + "' " + program.reason];
            }
        }
    }
    if (seen == 0) {
        return (beside_supervisor ? supervisor + "; none" : "no program") +
               " lived long enough for a look at what the " + (beside_supervisor ? "library" : "guard") +
               " was in (every 50 ms)\n";
    }
    std::string text = (beside_supervisor ? supervisor + ", and the library in " : "the guard was in ") +
                       std::to_string(inside) + " of " + counted(seen, "program") +
                       " seen; looked at every 50 ms, so that shorter-lived ones may be missing\n";
    std::size_t lines = 0;
    for (const auto& [reason, count] : outside) {
        if (++lines > most_lines) {
            return text + "  and " + std::to_string(outside.size() - most_lines) + " more\n";
        }
        text += "  not in " + reason + (count > 1 ? " (" + std::to_string(count) + " times)" : "") + "\n";
    }
    return text;
}

std::string Coverage::receipt(const GuardingSides& sides) const {
    std::string text = sides.has_library ? receipt_of_library(sides.has_supervisor)
                                         : std::string(supervisor_everywhere) + "\n";
    for (const std::string& limit : sides.limits) {
        text += "  " + limit + "\n";
    }
    return text;
}

} // namespace portguard::tools
