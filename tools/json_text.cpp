#include "tools/json_text.h"

#include "tools/port_text.h"

namespace portguard::tools {

Json json_of(PortRange range) {
    return range.empty() ? Json(nullptr) : Json(text_of(range));
}

std::string text_of(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace portguard::tools
