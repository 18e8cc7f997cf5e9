// The journal's catalog (https://systemd.io/CATALOG): what `journalctl -x` adds to a cause.
#pragma once

#include <string>

#include "explain/cause.h"

namespace portguard {

/// MESSAGE_ID of `cause`: 32 hexadecimal digits, made from its name, so the same on every host and for ever.
std::string message_id(Cause cause);

/// Of every cause an entry.
std::string journal_catalog();

} // namespace portguard
