#include "tools/common/colour.h"

#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {

bool wants_colour(const Arguments& arguments, int fd) {
    const std::string* const value = arguments.value(color_parameter.name);
    if (value == nullptr || *value == "auto") {
        return wants_colour(fd);
    }
    if (*value != "always" && *value != "never") {
        throw Refusal(ExitCode::usage, "color=" + shown(*value) + ": expected auto, always or never");
    }
    return *value == "always";
}

} // namespace portguard::tools
