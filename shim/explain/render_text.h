// A report for people: the line that can be searched for, then at most a screen of what is behind it.
#pragma once

#include <string>

#include "explain/report.h"

namespace portguard {

class TextBlock;

/// "now" and "lasting".
void add_cure_lines(const std::vector<Cure>& cures, TextBlock& block);

/// Below the first line nothing is wider than 80 columns, and all is at most 24 lines. Without a newline at
/// the end. Text of other programs' is harmless (H31). `coloured`: with the sequences of a terminal.
std::string render_text(const Report& report, bool coloured);

} // namespace portguard
