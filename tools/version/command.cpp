// `portguard version`, which is `portguard --version` as well.
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <sys/utsname.h>
#include <unistd.h>

#include "explain/probe.h"
#include "kernel/pidfd.h"
#include "tools/check/host_facts.h"
#include "tools/cli/command.h"
#include "tools/common/explain_helper.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/refusal.h"
#include "tools/version/build.h"

#include "portguard_commit.h"

namespace portguard::tools {
namespace {

constexpr std::string_view version = PORTGUARD_VERSION;
constexpr std::string_view commit = PORTGUARD_COMMIT;

constexpr std::array parameters{json_parameter};

struct Feature {
    /// Stable, for scripts.
    std::string_view name;
    /// What is lost without it.
    std::string_view purpose;
    std::string_view since;
    bool is_there = false;
};

bool can_borrow_descriptors() {
    const int copy = borrow_fd(::getpid(), STDERR_FILENO, Syscalls{});
    if (copy < 0) {
        return errno != ENOSYS;
    }
    ::close(copy);
    return true;
}

std::array<Feature, 3> features() {
    return {Feature{"pidfd_getfd", "rescue, and SO_REUSEADDR of other processes' sockets", "5.6",
                    can_borrow_descriptors()},
            Feature{"IP_LOCAL_PORT_RANGE", "outgoing connections kept in a range without a bind", "6.3",
                    kernel_has_socket_range()},
            Feature{"bound sockets in sock_diag", "holders that are only bound", "6.8",
                    are_bound_sockets_shown()}};
}

/// Empty: it is missing.
std::string path_or_nothing(std::string (*find)()) {
    try {
        return find();
    } catch (const Refusal&) {
        return {};
    }
}

std::string kernel_release() {
    utsname system{};
    return ::uname(&system) == 0 ? std::string(system.release) : std::string("unknown");
}

std::string text() {
    const auto shown_path = [](const std::string& path) { return path.empty() ? "missing" : shown(path); };
    std::string lines = "portguard " + std::string(version) + " (commit " +
                        std::string(commit.empty() ? "unknown" : commit) + ")\n";
    lines += "library  " + shown_path(path_or_nothing(find_shim)) + "\n";
    const std::string i386 = path_or_nothing(find_i386_shim);
    lines += i386.empty() ? "" : "i386     " + shown(i386) + "\n";
    lines += "helper   " + shown_path(path_or_nothing(find_explainer)) + "\n";
    lines += "kernel   " + shown(kernel_release()) + "\n";
    for (const Feature& feature : features()) {
        lines += "         " + std::string(feature.name);
        lines += feature.is_there ? ": there\n"
                                  : ": not there (Linux " + std::string(feature.since) + "): without it no " +
                                        std::string(feature.purpose) + "\n";
    }
    return lines;
}

std::string json() {
    Json found = Json::object();
    for (const Feature& feature : features()) {
        found[std::string(feature.name)] = feature.is_there;
    }
    return text_of(Json{{"schema", json_schema_version},
                        {"command", "version"},
                        {"version", version},
                        {"commit", text_or_null(commit)},
                        {"library", text_or_null(path_or_nothing(find_shim))},
                        {"i386_library", text_or_null(path_or_nothing(find_i386_shim))},
                        {"helper", text_or_null(path_or_nothing(find_explainer))},
                        {"kernel", kernel_release()},
                        {"features", std::move(found)}});
}

int print_version(const Arguments& arguments) {
    print(arguments.has(json_parameter.name) ? json() : text());
    return static_cast<int>(ExitCode::success);
}

} // namespace

std::string_view build_version() {
    return version;
}

std::string_view build_commit() {
    return commit;
}

const Command version_command{
    .name = "version",
    .summary = "shows version and commit, the library, and what the kernel has",
    .description = R"(
Shows the version and the commit it was built from, the paths of the library that is preloaded and of its helper,
and which features of the running kernel the guard and this command find: without one they do less, and say so.
`portguard --version` is the same.
)",
    .exit_status = R"(
0 it was printed
2 the command line is wrong
)",
    .examples = R"(
portguard version
portguard version --json | jq .features
)",
    .own = parameters,
    .run = print_version,
};

} // namespace portguard::tools
