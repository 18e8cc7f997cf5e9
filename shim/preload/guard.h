// The state of the guard in this process: whether it is awake, and with which configuration.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "core/config.h"

namespace portguard::guard {

enum class Activity : std::uint8_t {
    not_started,
    /// Somebody is reading the configuration; whoever calls meanwhile passes.
    starting,
    /// mode=off, another program than `only` names, a bad configuration, AT_SECURE.
    passive,
    /// mode=observe or mode=enforce.
    awake,
};

[[gnu::visibility("hidden")]] extern constinit std::atomic<Activity> current_activity;

/// Written once, before `awake` is published.
[[gnu::visibility("hidden")]] extern constinit Draft draft;
inline const Config& config() {
    return draft.config;
}

/// Reads environment and configuration file, once; called by the constructor or by the first call, if that is
/// earlier.
void start();

inline bool is_awake() {
    const Activity activity = current_activity.load(std::memory_order_acquire);
    if (activity == Activity::not_started) [[unlikely]] {
        start();
        return current_activity.load(std::memory_order_acquire) == Activity::awake;
    }
    return activity == Activity::awake;
}

/// program_invocation_short_name as it was at start: programs overwrite argv (H25). 64 bytes, NUL-terminated.
const char* program_name();

/// NO_COLOR was set at start (https://no-color.org).
bool wants_no_color();

} // namespace portguard::guard
