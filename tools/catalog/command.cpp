// `portguard catalog`: for who makes packages, so no list of subcommands has it.
#include "tools/cli/command.h"
#include "explain/catalog.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

int catalog(const Arguments& /*arguments*/) {
    print(journal_catalog());
    return static_cast<int>(ExitCode::success);
}

} // namespace

const Command catalog_command{
    .name = "catalog",
    .summary = "prints the journal's catalog of causes",
    .description = R"(
Prints what `journalctl -x` adds to a report that was written with log=journal: an entry for each cause. The
packages install it as lib/systemd/catalog/portguard.catalog.
)",
    .exit_status = R"(
0 the catalog was printed
2 the command line is wrong
)",
    .examples = R"(
portguard catalog
)",
    .own = {},
    .run = catalog,
};

} // namespace portguard::tools
