// One scrape: looks at the host and at what the logs have got since, and never at a program: /proc, sock_diag
// and files only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "tools/metrics/families.h"
#include "tools/metrics/metrics_state.h"

namespace portguard::tools {

struct Sources {
    Config config = {};
    std::vector<std::string> records = {};
    bool journal = false;
    /// Null: what is counted is forgotten with this process.
    std::optional<std::string> state_file = {};
};

class Collector {
public:
    explicit Collector(Sources sources);

    /// What could not be read or kept is in complaints(), a sentence each; the rest is in the answer.
    std::vector<MetricFamily> collect();
    [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

private:
    std::vector<RecordStatus> read_events();

    Sources sources_;
    std::vector<std::string> complaints_;
    std::vector<std::string> first_complaints_;
    MetricsState state_;
};

} // namespace portguard::tools
