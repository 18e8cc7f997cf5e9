// What the command says of itself, made from the same data as the parser: help, man pages and completion.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/command.h"

namespace portguard::tools {

/// "portguard run [OPTIONS] [--] PROGRAM [ARGUMENT...]".
std::string usage_line(const Command& command);

/// "share/portguard/who.schema.json": what describes the output of --json; empty: `command` has none.
std::string schema_file(const Command& command);

/// The help of the options of the guard, and the man page about them, are of this name.
inline constexpr std::string_view options_subject = "options";
/// Each command, and options_subject: what help and man take.
std::vector<std::string_view> subjects();

/// `portguard --help`.
std::string help_text();
/// `portguard COMMAND --help`.
std::string help_text(const Command& command);
/// `portguard help options`.
std::string options_help();

/// The exit statuses of every command as a table in Markdown.
std::string exit_status_table();

/// Scripts to source, or to install.
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

/// In the language of man(7).
struct ManPage {
    /// "portguard-run.1": as it is installed.
    std::string file;
    std::string text;
};
/// portguard(1).
ManPage man_page();
/// portguard-COMMAND(1).
ManPage man_page(const Command& command);
/// portguard.conf(5).
ManPage options_man_page();

} // namespace portguard::tools
