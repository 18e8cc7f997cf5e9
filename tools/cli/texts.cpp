// `portguard completion` and `portguard man`.
#include "tools/cli/texts.h"
#include "tools/cli/command.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

int print_completion(const Arguments& arguments) {
    if (arguments.operands.front() != "bash") {
        throw Refusal(ExitCode::usage,
                      "'" + shown(arguments.operands.front()) +
                          "': there are completions only for bash; `portguard completion bash` "
                          "prints them");
    }
    print(bash_completion());
    return 0;
}

int print_man_page(const Arguments&) {
    print(man_page());
    return 0;
}

} // namespace

const Command completion_command{
    .name = "completion",
    .summary = "prints a shell's completions of this command line",
    .description =
        "Prints a script that makes bash complete subcommands, options and values. Installed, it stands in "
        "share/bash-completion/completions/portguard.",
    .examples = "    source <(portguard completion bash)\n",
    .operand = {"SHELL", 1, 1},
    .own = {},
    .run = print_completion,
};

const Command man_command{
    .name = "man",
    .summary = "prints the man page, portguard(1)",
    .description = "Prints the man page in the language of man(7). Installed, it stands in share/man/man1.",
    .examples = "    portguard man | man -l -\n",
    .own = {},
    .run = print_man_page,
};

} // namespace portguard::tools
