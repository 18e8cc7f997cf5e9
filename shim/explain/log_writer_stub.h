// Writes a block of lines where the configuration says; kernel/log_writer.h takes its place.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/config.h"

namespace portguard::log_writer {

enum class Outcome : std::uint8_t { written, lost };

/// `pid` is what "%p" in a path stands for.
Outcome write(const Config& config, std::int32_t pid, bool stderr_is_ours, Level level,
              std::string_view block);
/// To config.record, if there is one.
Outcome record(const Config& config, std::int32_t pid, std::string_view block);

} // namespace portguard::log_writer
