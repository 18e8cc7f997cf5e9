#include "explain/report.h"

namespace portguard {

std::vector<std::string> Report::missing() const {
    std::vector<std::string> all = facts.missing;
    all.insert(all.end(), facts.holders.missing.begin(), facts.holders.missing.end());
    if (kept_back != 0) {
        all.push_back(std::to_string(kept_back) + " other reports, over max_reports a second");
    }
    return all;
}

} // namespace portguard
