#include "core/text.h"
#include "tools/common/output.h"
#include "tools/plan/site.h"

namespace portguard::tools {
namespace {

std::string or_none(const std::string& value) {
    return value.empty() ? "none" : value;
}

bool is_read_at_boot(const std::string& path) {
    return path.find("/sysctl.d/") != std::string::npos;
}

std::string words_about_file(const PlanChange& change) {
    const bool is_real = change.extent == Extent::all;
    if (change.reverts) {
        return is_real ? "read back: as before --apply; " + shown(change.file) + " is removed"
                       : "nothing was changed; --revert would remove " + shown(change.file);
    }
    if (!is_real) {
        return "nothing was changed; --apply would " + (change.changes_file
                                                            ? "write " + shown(change.file)
                                                            : "leave " + shown(change.file) + " as it is");
    }
    return "read back: the kernel has these values; " + shown(change.file) +
           (is_read_at_boot(change.file) ? " sets them at boot" : " has what was there before");
}

} // namespace

std::string text_report(const PlanChange& change) {
    std::string text;
    for (const PlanChange::Value& value : change.values) {
        text += value.name + ": " + or_none(value.from) +
                (value.from == value.to ? ", as it was" : " -> " + or_none(value.to)) + "\n";
    }
    if (change.changes()) {
        return text + words_about_file(change) + "\n";
    }
    return text + (change.reverts
                       ? "no plan is in force (there is no " + shown(change.file) + "): nothing to revert\n"
                       : "in force already: nothing to change\n");
}

} // namespace portguard::tools
