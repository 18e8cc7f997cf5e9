#include "explain/remembered.h"

#include "explain/holder_summary.h"

namespace portguard {

std::string describe_age(std::uint64_t ns) {
    constexpr std::uint64_t ns_per_s = 1'000'000'000;
    constexpr std::uint64_t ns_per_ms = 1'000'000;
    constexpr std::uint64_t ns_per_minute = 60 * ns_per_s;
    if (ns < ns_per_s) {
        return std::to_string(ns / ns_per_ms) + " ms";
    }
    if (ns < ns_per_minute) {
        const std::uint64_t tenths = ns / (ns_per_s / 10);
        return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
    }
    return std::to_string(ns / ns_per_minute) + " min";
}

std::string describe(const RememberedCall& call) {
    return std::string(call_name(call.call)) + " in " + harmless(call.program) + "[" +
           std::to_string(call.pid) + "]" + (call.has_ended == true ? " (ended), " : ", ") +
           describe_age(call.age_ns) + " ago";
}

} // namespace portguard
