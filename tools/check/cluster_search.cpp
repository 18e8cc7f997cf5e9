#include <algorithm>
#include <string>

#include <linux/openat2.h>

#include "kernel/folder.h"
#include "kernel/proc.h"
#include "tools/check/cluster.h"

namespace portguard::tools {
namespace {

constexpr std::size_t longest_comm_file = 64;
constexpr std::size_t longest_command_line = 65536;
constexpr std::size_t longest_config = 262144;
/// Any user may give a program such a name.
constexpr std::size_t most_components = 64;
constexpr std::size_t most_drop_ins = 64;

/// As the component sees it: in its container, and never through a link out of there, which an absolute one
/// would be. A FIFO of that name is not waited for.
int open_for(pid_t pid, const std::string& path, int flags) {
    const Syscalls syscalls;
    const ScopedFd root(direct::open(ProcPath(pid, "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC),
                        syscalls);
    // SYS_openat2 is of glibc 2.32 and later.
    open_how how{};
    how.flags = static_cast<std::uint64_t>(O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return root.valid() && path.starts_with('/')
               ? static_cast<int>(syscall(__NR_openat2, root.get(), path.c_str(), &how, sizeof how))
               : -1;
}

std::string read_config_of(pid_t pid, const std::string& path) {
    const Syscalls syscalls;
    const ScopedFd file(open_for(pid, path, 0), syscalls);
    struct stat kind {};
    if (!file.valid() || direct::fstat(file.get(), &kind) != 0 || !S_ISREG(kind.st_mode)) {
        return {};
    }
    std::string text(std::min(longest_config, static_cast<std::size_t>(kind.st_size)), '\0');
    const ssize_t length = direct::pread(file.get(), text.data(), text.size(), 0);
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return text;
}

/// kubelet reads what ends so, by name, and nothing else.
std::vector<std::pair<std::string, std::string>> read_drop_ins_of(pid_t pid, const std::string& path) {
    const Syscalls syscalls;
    const ScopedFd folder(open_for(pid, path, O_DIRECTORY), syscalls);
    std::vector<std::pair<std::string, std::string>> files;
    for_each_entry(folder.get(), [&](const dirent64& entry) {
        if (std::string_view(entry.d_name).ends_with(".conf")) {
            files.emplace_back(path + "/" + entry.d_name, "");
        }
        return files.size() < most_drop_ins;
    });
    std::sort(files.begin(), files.end());
    for (auto& [name, text] : files) {
        text = read_config_of(pid, name);
    }
    return files;
}

std::string comm_of(pid_t pid) {
    std::string comm =
        read_text_file(ProcPath(pid, "comm").c_str(), longest_comm_file, Syscalls{}).value_or("");
    while (comm.ends_with('\n')) {
        comm.pop_back();
    }
    return comm;
}

} // namespace

std::vector<ClusterComponent> find_cluster_components() {
    const Syscalls syscalls;
    std::vector<ClusterComponent> components;
    const ScopedFd folder(direct::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls);
    for_each_number(folder.get(), [&](int pid) {
        const std::string_view program = cluster_program(comm_of(pid));
        if (!program.empty()) {
            const auto words =
                read_text_file(ProcPath(pid, "cmdline").c_str(), longest_command_line, syscalls);
            ClusterComponent component{pid, netns_of(pid), std::string(program),
                                       parse_command_line(words.value_or(""))};
            component.config_path = cluster_config_path(component.argv);
            component.config = read_config_of(pid, component.config_path);
            component.drop_ins = read_drop_ins_of(pid, cluster_config_folder(component.argv));
            components.push_back(std::move(component));
        }
        return components.size() < most_components;
    });
    return components;
}

} // namespace portguard::tools
