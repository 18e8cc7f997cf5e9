#include "tools/enable/preload_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/syscalls.h"
#include "tools/common/preload_list.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::string_view separators = ": \t\r";

[[noreturn]] void refuse(const std::string& reason) {
    throw Refusal(ExitCode::findings, std::string(system_preload_file) + " " + reason);
}

/// Of `line` without its comment.
std::vector<std::string> entries_of(std::string_view line) {
    std::vector<std::string> entries;
    line = line.substr(0, line.find('#'));
    while (!line.empty()) {
        const std::size_t end = line.find_first_of(separators);
        if (end != 0) {
            entries.emplace_back(line.substr(0, end));
        }
        line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    }
    return entries;
}

bool is_own(const std::string& entry) {
    return base_name(entry) == shim_name;
}

/// A line of which one entry is ours, without that; empty: nothing else stood there.
std::string rest_of(std::string_view line) {
    std::string rest;
    for (const std::string& entry : entries_of(line)) {
        if (!is_own(entry)) {
            rest.append(rest.empty() ? "" : " ").append(entry);
        }
    }
    const std::size_t comment = line.find('#');
    if (comment != std::string_view::npos) {
        rest.append(rest.empty() ? "" : " ").append(line.substr(comment));
    }
    return rest.empty() ? rest : rest + "\n";
}

} // namespace

std::vector<std::string> own_entries(std::string_view text) {
    std::vector<std::string> own;
    while (!text.empty()) {
        for (std::string& entry : entries_of(next_field(text, '\n'))) {
            if (is_own(entry)) {
                own.push_back(std::move(entry));
            }
        }
    }
    return own;
}

std::string without_own_entries(std::string_view text) {
    std::string left;
    while (!text.empty()) {
        const std::string_view before = text;
        const std::string_view line = next_field(text, '\n');
        const std::string_view whole = before.substr(0, before.size() - text.size());
        left.append(own_entries(line).empty() ? std::string(whole) : rest_of(line));
    }
    return left;
}

std::string with_entry(std::string_view text, const std::string& entry) {
    return own_entries(text) == std::vector{entry} ? std::string(text)
                                                   : entry + "\n" + without_own_entries(text);
}

SystemPreload read_system_preload() {
    SystemPreload found;
    struct stat status {};
    if (::lstat(system_preload_file, &status) != 0) {
        if (errno != ENOENT) {
            refuse(std::string("cannot be looked at: ") + std::strerror(errno));
        }
        return found;
    }
    if (!S_ISREG(status.st_mode)) {
        refuse("is not a plain file, and is left as it is; change by hand what it stands for");
    }
    std::ifstream file(system_preload_file, std::ios::binary);
    found.text.assign(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad()) {
        refuse("cannot be read");
    }
    found.exists = true;
    found.mode = status.st_mode & 07777U;
    return found;
}

PreloadDraft::PreloadDraft(std::string_view text, mode_t mode)
    : path_(std::string(system_preload_file) + ".XXXXXX") {
    const Syscalls syscalls;
    const ScopedFd file(::mkostemp(path_.data(), O_CLOEXEC), syscalls);
    if (!file.valid()) {
        refuse(std::string("cannot be replaced: ") + std::strerror(errno) + "; it works as root");
    }
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) {
        const int error = errno;
        ::unlink(path_.c_str());
        refuse(std::string("cannot be replaced: ") + std::strerror(error));
    }
}

PreloadDraft::~PreloadDraft() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

void PreloadDraft::replace_the_real_one() {
    if (::rename(path_.c_str(), system_preload_file) != 0) {
        refuse(std::string("cannot be replaced: ") + std::strerror(errno));
    }
    path_.clear();
}

void remove_system_preload() {
    if (::unlink(system_preload_file) != 0) {
        refuse(std::string("cannot be removed: ") + std::strerror(errno) + "; it works as root");
    }
}

} // namespace portguard::tools
