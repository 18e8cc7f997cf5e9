// Where the ports in the way were taken, as far as `remember` kept it (core/ring.h).
#pragma once

#include "explain/facts.h"
#include "kernel/deadline.h"

namespace portguard {

/// As config.remember says: fills HolderFacts::taken and Facts::picked, or says in Facts::missing why not.
/// `socket`: in the network that is meant.
void recall_holders(Facts& facts, int socket, const Deadline& deadline);

} // namespace portguard
