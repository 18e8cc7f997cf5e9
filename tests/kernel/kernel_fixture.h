// Every row of the design's section 2 runs in a network of its own.
#pragma once

#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {

class Kernel : public PrivateNetTest {};

} // namespace portguard::test

/// Of a row that this kernel knows otherwise, when the test has pinned how: the table (tests/platforms) has
/// it that way.
#define PORTGUARD_OTHERWISE_BEFORE(major, minor, what)                                                       \
    do {                                                                                                     \
        ASSERT_FALSE(::portguard::kernel_is_at_least(major, minor)) << (what);                               \
        PORTGUARD_SKIP(std::string("otherwise: ") + (what));                                                 \
    } while (false)
