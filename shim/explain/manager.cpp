#include "explain/manager.h"

#include <algorithm>
#include <iterator>
#include <utility>

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

namespace {

/// What they start is not theirs to be stopped with: jobs, builds, sessions, the proxies of containers.
bool is_launcher(std::string_view unit) {
    constexpr std::string_view launchers[] = {
        "cron.service",   "crond.service",      "atd.service",     "ssh.service",          "sshd.service",
        "docker.service", "containerd.service", "jenkins.service", "gitlab-runner.service"};
    return std::find(std::begin(launchers), std::end(launchers), unit) != std::end(launchers);
}

std::string variable_of(pid_t pid, std::string_view name) {
    constexpr std::size_t longest = 65536;
    const auto text = read_text_file(ProcPath(pid, "environ").c_str(), longest, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    while (!rest.empty()) {
        std::string_view value = next_field(rest, '\0');
        if (next_field(value, '=') == name) {
            return std::string(value);
        }
    }
    return {};
}

/// Fit to stand in a command as it is.
bool is_word(std::string_view text) {
    return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '_' || byte == '-' || byte == '.' || byte == ':';
    });
}

/// A process inherits the variables of its parent: that the supervisor lives above it is seen as well.
Manager find_supervisor(const ProcessInfo& process) {
    const auto& ancestors = process.ancestors;
    const auto descends_from = [&](std::string_view comm) {
        return std::any_of(ancestors.begin(), ancestors.end(), [comm](const Ancestor& ancestor) {
            return std::string_view(ancestor.comm).starts_with(comm);
        });
    };
    Manager manager;
    if (descends_from("supervisord")) {
        const std::string name = variable_of(process.pid, "SUPERVISOR_PROCESS_NAME");
        const std::string group = variable_of(process.pid, "SUPERVISOR_GROUP_NAME");
        manager = {Manager::Kind::supervisord, group.empty() || group == name ? name : group + ":" + name, 0};
    } else if (descends_from("PM2")) {
        manager = {Manager::Kind::pm2, variable_of(process.pid, "pm_id"), 0};
    } else if (!ancestors.empty() && ancestors.front().comm == "runsv") {
        const auto parent = read_process(ancestors.front().pid, Syscalls{});
        manager = {Manager::Kind::runit,
                   parent.has_value() && parent->argv.size() == 2 ? parent->argv[1] : std::string{}, 0};
    }
    return is_word(manager.name) ? manager : Manager{};
}

} // namespace

Manager find_manager(const ProcessInfo& process, Protocol protocol, std::uint16_t port) {
    if (!process.argv.empty() && base_name(process.argv.front()) == "docker-proxy") {
        return {Manager::Kind::docker_port, std::to_string(port) + (protocol == Protocol::udp ? "/udp" : ""),
                0};
    }
    Manager manager = read_manager(process.pid);
    if (manager.kind > Manager::Kind::user_unit) {
        return manager; // only from inside a container could its supervisor be asked
    }
    Manager supervisor = find_supervisor(process);
    if (supervisor.kind != Manager::Kind::none) {
        return supervisor;
    }
    const bool is_main = !process.ancestors.empty() && process.ancestors.front().pid == 1;
    return manager.kind == Manager::Kind::unit && is_launcher(manager.name) && !is_main ? Manager{}
                                                                                        : std::move(manager);
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
    case Manager::Kind::docker_port: return "for a container that publishes the port";
    case Manager::Kind::supervisord: return manager.name + " of supervisord";
    case Manager::Kind::runit: return manager.name + " of runit";
    case Manager::Kind::pm2: return "process " + manager.name + " of pm2";
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
    case Manager::Kind::docker_port:
        return root + "docker stop $(" + root + "docker ps -q --filter publish=" + manager.name + ")";
    case Manager::Kind::supervisord: return root + "supervisorctl stop " + manager.name;
    case Manager::Kind::runit: return root + "sv stop " + manager.name;
    case Manager::Kind::pm2: return "pm2 stop " + manager.name;
    }
    return {};
}

} // namespace portguard
