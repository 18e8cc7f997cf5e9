// Whether a running program could have called a function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace portguard {

/// True: the file `exe`, or another file that process `pid` has mapped, imports `function`; those that export
/// it (libc, and what is preloaded) do not count. Nothing: it cannot be told: the files are not to be read,
/// are too large or too many, or the program is static and needs no import.
std::optional<bool> imports_function(pid_t pid, const std::string& exe, std::string_view function);

} // namespace portguard
