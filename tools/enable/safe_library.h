// May a file be loaded into the set-user-ID programs of a machine?
#pragma once

#include <string>

namespace portguard::tools {

/// Throws Refusal where others than root could put another file in place of `library`: it, or a folder above
/// it, is theirs or open to them.
void require_roots_own(const std::string& library);

} // namespace portguard::tools
