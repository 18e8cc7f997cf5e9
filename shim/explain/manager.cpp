#include "explain/manager.h"

#include <algorithm>

#include <unistd.h>

#include "core/text.h"
#include "kernel/folder.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

constexpr std::size_t shown_digits = 12;

bool is_id(std::string_view text) {
    constexpr std::size_t whole_id = 64;
    return text.size() == whole_id && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// "docker-ID.scope" and its like, with `prefix` "docker-".
std::string_view id_in(std::string_view folder, std::string_view prefix) {
    constexpr std::string_view suffix = ".scope";
    if (folder.starts_with(prefix)) {
        folder.remove_prefix(prefix.size());
    } else if (!prefix.empty()) {
        return {};
    }
    if (folder.ends_with(suffix)) {
        folder.remove_suffix(suffix.size());
    }
    return is_id(folder) ? folder : std::string_view{};
}

Manager container(Manager::Kind kind, std::string_view id) {
    return {kind, std::string(id.substr(0, shown_digits)), 0};
}

/// Of one folder of the path; Kind::none: it names nothing that we know.
Manager manager_of(std::string_view folder, std::string_view above, bool is_pod) {
    struct Prefix {
        std::string_view text;
        Manager::Kind kind;
    };
    constexpr Prefix prefixes[] = {{"docker-", Manager::Kind::docker},
                                   {"libpod-", Manager::Kind::podman},
                                   {"cri-containerd-", Manager::Kind::cri},
                                   {"crio-", Manager::Kind::cri}};
    for (const Prefix& prefix : prefixes) {
        if (const auto id = id_in(folder, prefix.text); !id.empty()) {
            return container(is_pod ? Manager::Kind::cri : prefix.kind, id);
        }
    }
    if (is_id(folder) && (above == "docker" || is_pod)) {
        return container(is_pod ? Manager::Kind::cri : Manager::Kind::docker, folder);
    }
    constexpr std::string_view lxc = "lxc.payload.";
    if (folder.starts_with(lxc)) {
        return {Manager::Kind::lxc, std::string(folder.substr(lxc.size())), 0};
    }
    if (folder.ends_with(".service") && !folder.starts_with("user@")) {
        return {Manager::Kind::unit, std::string(folder), 0};
    }
    return {};
}

bool is_systemd_here() {
    return access("/run/systemd/system", F_OK) == 0; // sd_booted(3)
}

} // namespace

Manager manager_in(std::string_view path) {
    Manager found;
    std::optional<uid_t> user;
    std::string_view above;
    const bool is_pod = path.find("kubepods") != std::string_view::npos;
    while (!path.empty()) {
        const std::string_view folder = next_field(path, '/');
        if (folder.starts_with("user@") && folder.ends_with(".service")) {
            std::string_view number = folder.substr(5);
            user = parse_number<uid_t>(next_field(number, '.'));
        }
        Manager here = manager_of(folder, above, is_pod);
        // A container's own manager starts units inside of it, which only it can stop.
        if (here.kind != Manager::Kind::none && found.kind <= Manager::Kind::user_unit) {
            found = std::move(here);
        }
        above = folder;
    }
    if (found.kind == Manager::Kind::unit && user.has_value()) {
        found.kind = Manager::Kind::user_unit;
        found.uid = *user;
    }
    return found;
}

Manager read_manager(pid_t pid) {
    constexpr std::size_t longest = 8192;
    const auto text = read_text_file(ProcPath(pid, "cgroup").c_str(), longest, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    Manager found;
    while (!rest.empty()) {
        std::string_view line = next_field(rest, '\n');
        next_field(line, ':');
        const std::string_view controllers = next_field(line, ':');
        // Version 2 has no controller there; of version 1, systemd's own hierarchy has the names.
        if (controllers.empty() || controllers == "name=systemd") {
            Manager here = manager_in(line);
            found = here.kind == Manager::Kind::none ? std::move(found) : std::move(here);
        }
    }
    return found;
}

std::string describe_manager(const Manager& manager) {
    switch (manager.kind) {
    case Manager::Kind::none: return {};
    case Manager::Kind::unit: return "unit " + manager.name;
    case Manager::Kind::user_unit: return "unit " + manager.name + " of uid " + std::to_string(manager.uid);
    case Manager::Kind::docker: return "docker container " + manager.name;
    case Manager::Kind::podman: return "podman container " + manager.name;
    case Manager::Kind::cri: return "pod container " + manager.name;
    case Manager::Kind::lxc: return "LXC container " + manager.name;
    }
    return {};
}

std::string stop_command(const Manager& manager, uid_t euid) {
    const std::string root = euid == 0 ? "" : "sudo ";
    switch (manager.kind) {
    case Manager::Kind::none: break;
    case Manager::Kind::unit:
        return is_systemd_here() ? root + "systemctl stop " + manager.name : std::string{};
    case Manager::Kind::user_unit:
        if (!is_systemd_here()) {
            break;
        }
        return euid == manager.uid ? "systemctl --user stop " + manager.name
                                   : root + "systemctl --user --machine=" + std::to_string(manager.uid) +
                                         "@ stop " + manager.name;
    case Manager::Kind::docker: return root + "docker stop " + manager.name;
    case Manager::Kind::podman: return root + "podman stop " + manager.name;
    case Manager::Kind::cri: return root + "crictl stop " + manager.name;
    case Manager::Kind::lxc: return root + "lxc-stop -n " + manager.name;
    }
    return {};
}

} // namespace portguard
