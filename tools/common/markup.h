// Text of other programs' in XML and HTML.
#pragma once

#include <string>
#include <string_view>

namespace portguard::tools {

/// For content and for attributes in double quotes. What would end or hide in them is written as an entity;
/// characters that XML forbids, controls, and those that turn the direction of writing become U+FFFD. `text`
/// is UTF-8, as JSON has it; other bytes become U+FFFD as well.
std::string escaped_markup(std::string_view text);

} // namespace portguard::tools
