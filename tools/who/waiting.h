// `portguard who --wait`.
#pragma once

#include <chrono>
#include <vector>

#include "tools/who/questions.h"

namespace portguard::tools {

struct WaitWish {
    bool reuseaddr = false;
    std::chrono::milliseconds most{0};
    /// Nothing on stderr.
    bool quiet = false;
};

/// Until a bind of each would go through, or fail for another reason than being in use. Who is waited for is
/// said on stderr: once, on a terminal with the time that has passed.
void wait_until_bindable(const std::vector<Question>& questions, const WaitWish& wish);

} // namespace portguard::tools
