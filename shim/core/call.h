// The calls that can be told about.
#pragma once

#include <cstdint>
#include <string_view>

namespace portguard {

enum class Call : std::uint8_t { socket, bind, listen, connect, setsockopt };

std::string_view call_name(Call call);

} // namespace portguard
