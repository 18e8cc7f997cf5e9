// `portguard explain`: for developers, so no list of subcommands has it.
#include <array>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/common/explain_helper.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

int explain(const Arguments& arguments) {
    const std::string helper = find_explainer();
    const char* const maps = arguments.operands.size() > 1 ? arguments.operands[1].c_str() : nullptr;
    const std::array<const char*, 4> words{helper.c_str(), arguments.operands.front().c_str(), maps, nullptr};
    execv(helper.c_str(), const_cast<char* const*>(words.data()));
    throw Refusal(ExitCode::not_executable, "'" + helper + "' cannot be executed");
}

} // namespace

const Command explain_command{
    .name = "explain",
    .summary = "shows the report of a recorded snapshot",
    .description = R"(
Shows what the guard reports of a failed call whose snapshot (shim/core/snapshot.h) is in a file, as its own
helper, portguard-explain, does. What only the socket and the running process could have added is missing. The
stack needs the second file, a copy of the process's /proc/PID/maps.
)",
    .exit_status = R"(
0 the report was shown
2 the file is not a snapshot of this version
)",
    .examples = R"(
portguard explain snapshot maps
)",
    .operand = {"FILE", 1, 2},
    .own = {},
    .run = explain,
};

} // namespace portguard::tools
