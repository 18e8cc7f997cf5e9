#include "tools/common/json_text.h"

#include "explain/holder_json.h"
#include "tools/common/port_text.h"

namespace portguard::tools {

Json json_of(PortRange range) {
    return range.empty() ? Json(nullptr) : Json(text_of(range));
}

std::string text_of(const Json& document) {
    return line_of(document) + "\n";
}

} // namespace portguard::tools
