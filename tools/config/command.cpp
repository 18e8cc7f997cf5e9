// `portguard config`.
#include <array>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/config_report.h"
#include "tools/common/json_output.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    Parameter{"markdown", "", "", "print the table of options as markdown instead"},
    json_parameter,
};

constexpr std::array combinations{
    Combination{"markdown", excluded, json_parameter.name},
};

int print_config(const Arguments& arguments) {
    if (arguments.has("markdown")) {
        print(option_table_in_markdown());
        return 0;
    }
    const ResolvedConfig resolved(arguments, environ);
    print(arguments.has(json_parameter.name) ? config_json(resolved.draft())
                                             : describe_config(resolved.draft()));
    return 0;
}

} // namespace

const Command config_command{
    .name = "config",
    .summary = "shows every option, its value and where it came from",
    .description = R"(
Shows what `portguard run` would do with the same options, environment and file: every option, its value, and
where that came from (default, file and line, environment, command line).
)",
    .exit_status = R"(
0 the configuration is right
2 the command line or the configuration is wrong
)",
    .examples = R"(
portguard config
portguard config --config=./portguard.conf --mode=observe
portguard config --json | jq .options.listen
)",
    .guard = GuardOptions::all,
    .own = parameters,
    .combinations = combinations,
    .run = print_config,
};

} // namespace portguard::tools
