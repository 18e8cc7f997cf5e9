#include "tools/metrics/collector.h"

#include <chrono>
#include <utility>

#include "tools/check/finding.h"
#include "tools/events/event_log.h"
#include "tools/metrics/families.h"
#include "tools/metrics/journal_position.h"
#include "tools/version/build.h"

namespace portguard::tools {
namespace {

/// Two looks in one moment say nothing of the rate.
constexpr std::chrono::seconds least_interval{1};

MetricFamily build_info() {
    return {"portguard_build_info",
            MetricType::gauge,
            "",
            "Version and commit of this command",
            {{{{"version", std::string(build_version())}, {"commit", std::string(build_commit())}}, 1}}};
}

MetricFamily seconds(std::string_view name, std::string_view help, std::chrono::duration<double> value) {
    return {name, MetricType::gauge, "seconds", help, {{{}, value.count()}}};
}

} // namespace

Collector::Collector(Sources sources) : sources_(std::move(sources)) {
    if (sources_.state_file.has_value()) {
        state_ = read_state(*sources_.state_file, first_complaints_);
    }
    if (state_.journal.since == Instant{0}) {
        state_.journal.since = instant_now();
    }
}

std::vector<RecordStatus> Collector::read_events() {
    std::vector<RecordStatus> statuses;
    for (const std::string& record : sources_.records) {
        statuses.push_back({record, read_record(state_.record(record), state_.counts, complaints_)});
    }
    if (sources_.journal) {
        statuses.push_back(
            {std::string(journal_name), read_journal(state_.journal, state_.counts, complaints_)});
    }
    return statuses;
}

std::vector<MetricFamily> Collector::collect() {
    complaints_ = std::exchange(first_complaints_, {});
    const auto start = std::chrono::steady_clock::now();
    const Instant now = instant_now();
    std::vector<MetricFamily> families{build_info()};
    const HostFacts facts =
        gather_facts({.listen = sources_.config.listen, .flags = false, .cluster = true, .thrifty = true});
    add_socket_families(facts, plan_for(sources_.config, facts), families);
    EphemeralUse use = ephemeral_use(facts);
    add_use_families(facts, use, state_.use, now, families);
    add_event_families(state_.counts, read_events(), families);
    if (!state_.use.has_value() || now < state_.use->instant || now - state_.use->instant >= least_interval) {
        state_.use = UseSample{now, std::move(use.destinations), use.has_every_destination};
    }
    if (sources_.state_file.has_value()) {
        write_state(*sources_.state_file, state_, complaints_);
    }
    families.push_back(
        seconds("portguard_collected_timestamp_seconds", "When this was collected, since 1970", now));
    families.push_back(seconds("portguard_collection_duration_seconds", "How long it took",
                               std::chrono::steady_clock::now() - start));
    return families;
}

} // namespace portguard::tools
