// Which programs stand for all of a machine.
#include <unistd.h>

#include "core/text.h"
#include "tools/common/preload_list.h"
#include "tools/common/program_file.h"
#include "tools/common/reachability.h"
#include "tools/common/refusal.h"
#include "tools/enable/trial.h"

namespace portguard::tools {
namespace {

constexpr const char* shell = "/bin/sh";
/// nobody of every distribution: whoever may read the least.
constexpr uid_t nobody = 65534;
/// One that starts another, and a server's calls.
constexpr const char* shell_script = "echo started | cat";
constexpr const char* python_script =
    "import socket; socket.create_server(('127.0.0.1', 0)).close(); print('started')";

std::string python() {
    try {
        return find_program("python3", search_path());
    } catch (const Refusal&) {
        return {};
    }
}

void add_libc_of(const Loader& loader, std::vector<TriedProgram>& programs) {
    if (loader.is_musl()) {
        // It says what it is, and ends.
        programs.push_back({loader.path, {loader.path}});
        return;
    }
    if (loader.libc.empty()) {
        return;
    }
    const bool is_own = base_name(loader.path) == base_name(own_elf().interpreter);
    programs.push_back(
        {.name = loader.path,
         .words = {loader.path, loader.libc},
         .hint = is_own ? "" : "it may be that for this libc no libportguard.so lies where $LIB points"});
    if (is_own) {
        programs.push_back(
            {loader.path + " --list", {loader.path, "--list", loader.libc}, 0, std::string(shim_name)});
    }
}

} // namespace

std::vector<TriedProgram> programs_to_try(const std::vector<Loader>& loaders) {
    std::vector<TriedProgram> programs{
        {shell, {shell, "-c", shell_script}},
        {std::string(shell) + " as user " + std::to_string(nobody), {shell, "-c", shell_script}, nobody},
    };
    if (const std::string path = python(); !path.empty()) {
        programs.push_back({path, {path, "-c", python_script}});
    }
    for (const Loader& loader : loaders) {
        add_libc_of(loader, programs);
    }
    return programs;
}

} // namespace portguard::tools
