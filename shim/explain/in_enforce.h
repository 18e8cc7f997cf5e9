// For mode=observe: what enforce would have done.
#pragma once

#include <string>

#include "explain/facts.h"

namespace portguard {

/// For a port in use: "enforce would have set SO_REUSEADDR and bound". Empty elsewhere.
std::string enforce_words(const Facts& facts);

} // namespace portguard
