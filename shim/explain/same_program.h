// Whether two processes run the same program: the file, and for interpreters the script as well. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace portguard {

struct RunningProgram {
    /// Of /proc/PID/exe; empty: it cannot be read, and nothing is said.
    const std::string& exe;
    const std::vector<std::string>& argv;
};

/// Its name, "/usr/sbin/nginx" or "/usr/bin/python3.11 app.py"; nothing: another one, or not known.
std::optional<std::string> same_program(const RunningProgram& left, const RunningProgram& right);

} // namespace portguard
