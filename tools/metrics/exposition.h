// Metrics as text: OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), and the older
// format 0.0.4 that node_exporter's textfile collector and promtool read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portguard::tools {

enum class MetricType : std::uint8_t { gauge, counter };

/// Names and values; the values may be other programs' words.
using Labels = std::vector<std::pair<std::string_view, std::string>>;

struct MetricSample {
    Labels labels;
    double value = 0;
};

struct MetricFamily {
    /// Of a counter without "_total".
    std::string_view name;
    MetricType type = MetricType::gauge;
    /// The end of the name that is its unit; empty: it counts things.
    std::string_view unit;
    /// One sentence without a full stop.
    std::string_view help;
    std::vector<MetricSample> samples = {};
};

enum class ExpositionFormat : std::uint8_t { openmetrics, text };

/// What HTTP calls it.
std::string_view content_type(ExpositionFormat format);

/// `common` stands in every sample.
std::string exposition(const std::vector<MetricFamily>& families, const Labels& common,
                       ExpositionFormat format);

} // namespace portguard::tools
