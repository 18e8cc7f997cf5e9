// Whether the guard will write to a file that somebody named: it passes over what another user could have put
// there (shim/kernel/log_file.h), and what it says of it stands in another log, so that it has to be said
// before.
#pragma once

#include <string>

#include "core/config.h"

namespace portguard::tools {

/// Throws Refusal if the guard would not write to `path`, given as --OPTION=file:PATH, as the user who asks
/// now; root may be about to become another user, whose file it is. "%p" stands for this process. Makes
/// nothing.
void require_writable(const std::string& option, const std::string& path);

/// The same of --log and --record as they stand on the command line, where there will be something to tell: a
/// file or an environment may be for other users.
void require_writable_logs(const Draft& draft);

/// Throws the Refusal of the above with `reason`, such as "would be one for each process".
[[noreturn]] void refuse_log(const std::string& option, const std::string& path, const std::string& reason);

} // namespace portguard::tools
