// Every row of the design's section 2 runs in a network of its own.
#pragma once

#include "support/private_net.h"

namespace portguard::test {

class Kernel : public PrivateNetTest {};

} // namespace portguard::test
