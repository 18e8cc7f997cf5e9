// A cause in words.
#pragma once

#include <string>

#include "explain/cause.h"

namespace portguard {

/// One sentence without a full stop. `holder` is null where the cause has none.
std::string sentence_of(const Facts& facts, Cause cause, const Holder* holder);

/// "43 s"; "an unknown time" where the kernel does not tell.
std::string seconds_left(const DiagSocket& socket);

/// "15000-65000".
std::string range_text(PortRange range);

/// For mode=observe and a port in use: "enforce would have set SO_REUSEADDR and bound". Empty elsewhere.
std::string enforce_words(const Facts& facts);

} // namespace portguard
