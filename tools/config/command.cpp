// `portguard config`.
#include <array>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/config_report.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    Parameter{"markdown", "", "", "print the table of options as markdown instead"},
};

int print_config(const Arguments& arguments) {
    if (arguments.has("markdown")) {
        print(option_table_in_markdown());
        return 0;
    }
    const ResolvedConfig resolved(arguments, environ);
    print(describe_config(resolved.draft()));
    return 0;
}

} // namespace

const Command config_command{
    .name = "config",
    .summary = "shows every option, its value and where it came from",
    .description =
        "Shows what `portguard run` would do with the same options, environment and file: every "
        "option, its value, and where it came from (default, file:line, environment, command line).",
    .examples = "    portguard config\n"
                "    portguard config --config ./portguard.conf --mode=observe\n",
    .own = parameters,
    .run = print_config,
};

} // namespace portguard::tools
