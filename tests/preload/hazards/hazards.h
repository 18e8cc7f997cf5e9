// The fixture of every row of rows.txt: a private network, a system's log with nobody at it, and a folder.
#pragma once

#include "preload/play.h"
#include "support/private_net.h"
#include "support/system_log.h"

namespace portguard::test {

class Hazards : public SystemLogTest {
protected:
    TemporaryFolder folder_;
};

} // namespace portguard::test
