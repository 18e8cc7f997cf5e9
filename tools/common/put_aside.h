// What `portguard ci` sets is for programs without a guard of their own. A `portguard run` or `ci` that a
// suite starts begins with the environment that was there before, so that it does what it does without ci.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace portguard::tools {

/// Adds the variable that says what the one of `option` is now, for take_back() in a process below.
void put_aside(std::map<std::string, std::string>& variables, std::string_view option);

/// Gives this process's environment the values that a `portguard ci` above has put aside.
void take_back();

} // namespace portguard::tools
