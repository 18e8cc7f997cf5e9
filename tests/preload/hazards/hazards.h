// The fixture of every row of hazards.md: a private network and a folder.
#pragma once

#include "preload/play.h"
#include "support/private_net.h"

namespace portguard::test {

class Hazards : public PrivateNetTest {
protected:
    ScratchFolder folder_;
};

} // namespace portguard::test
