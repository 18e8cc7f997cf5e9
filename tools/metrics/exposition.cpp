#include "tools/metrics/exposition.h"

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "tools/common/output.h"

namespace portguard::tools {
namespace {

/// Both formats know three escapes. Control characters and bytes that are not UTF-8, for which Prometheus
/// drops the whole answer, are made harmless before.
void add_escaped(std::string_view value, std::string& text) {
    for (const char character : value) {
        switch (character) {
        case '\\': text += "\\\\"; break;
        case '"': text += "\\\""; break;
        case '\n': text += "\\n"; break;
        default: text += character;
        }
    }
}

void add_labels(const Labels& labels, bool& is_first, std::string& text) {
    for (const auto& [name, value] : labels) {
        text.append(is_first ? "{" : ",").append(name).append("=\"");
        add_escaped(shown(value), text);
        text += '"';
        is_first = false;
    }
}

/// The shortest text that reads back as the same number; whole numbers have neither point nor exponent.
void add_number(double value, std::string& text) {
    constexpr double largest_whole = 9007199254740992.0;
    const bool is_whole = value > -largest_whole && value < largest_whole &&
                          value == static_cast<double>(static_cast<std::int64_t>(value));
    // Not std::to_chars, which has no double before GCC 11.
    text += is_whole ? std::to_string(static_cast<std::int64_t>(value)) : nlohmann::json(value).dump();
}

void add_family(const MetricFamily& family, const Labels& common, ExpositionFormat format,
                std::string& text) {
    const bool is_counter = family.type == MetricType::counter;
    const std::string sample_name = std::string(family.name) + (is_counter ? "_total" : "");
    const bool is_open = format == ExpositionFormat::openmetrics;
    // The older format has no families: there the metadata is the sample's.
    const std::string& name = is_open ? std::string(family.name) : sample_name;
    text.append("# HELP ").append(name).append(" ").append(family.help).append(".\n");
    text.append("# TYPE ").append(name).append(is_counter ? " counter\n" : " gauge\n");
    if (is_open && !family.unit.empty()) {
        text.append("# UNIT ").append(name).append(" ").append(family.unit).append("\n");
    }
    for (const MetricSample& sample : family.samples) {
        text += sample_name;
        bool is_first = true;
        add_labels(common, is_first, text);
        add_labels(sample.labels, is_first, text);
        text += is_first ? " " : "} ";
        add_number(sample.value, text);
        text += '\n';
    }
}

} // namespace

std::string_view content_type(ExpositionFormat format) {
    return format == ExpositionFormat::openmetrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

std::string exposition(const std::vector<MetricFamily>& families, const Labels& common,
                       ExpositionFormat format) {
    std::string text;
    for (const MetricFamily& family : families) {
        add_family(family, common, format, text);
    }
    return format == ExpositionFormat::openmetrics ? text + "# EOF\n" : text;
}

} // namespace portguard::tools
