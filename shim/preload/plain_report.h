// What is told without the diagnosis module: where it is not wanted, cannot be had, or is in use by a thread
// that a fork left behind. Async-signal-safe but for the first time that the module turns out to be missing.
#pragma once

#include <string_view>

#include "preload/report.h"

namespace portguard::plain_report {

/// One line where `log` says, as `format` says; and one of JSON to the file of `record`.
void tell(const Occurrence& occurrence);

/// To the two places: `lines` with their newline.
void write_to_log(std::string_view lines);
void write_to_record(std::string_view lines);
bool has_record();

} // namespace portguard::plain_report
