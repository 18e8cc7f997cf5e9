// The metrics of a host, as names and numbers.
#pragma once

#include <optional>
#include <vector>

#include "tools/check/finding.h"
#include "tools/events/log_time.h"
#include "tools/metrics/ephemeral_use.h"
#include "tools/metrics/exposition.h"
#include "tools/metrics/metrics_state.h"

namespace portguard::tools {

/// Listeners, plan and collisions.
void add_socket_families(const HostFacts& facts, const PortPlan& plan, std::vector<MetricFamily>& families);

/// Ephemeral ports and TIME_WAIT.
void add_use_families(const HostFacts& facts, const EphemeralUse& use, const std::optional<UseSample>& before,
                      Instant now, std::vector<MetricFamily>& families);

struct RecordStatus {
    std::string record;
    bool is_read = true;
};

void add_event_families(const EventCounts& counts, const std::vector<RecordStatus>& records,
                        std::vector<MetricFamily>& families);

} // namespace portguard::tools
