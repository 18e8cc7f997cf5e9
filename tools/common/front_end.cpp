#include "tools/common/front_end.h"

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {

FrontEnd front_end_of(const Arguments& arguments, FrontEnd fallback) {
    const std::string* const given = arguments.value(front_end_name);
    if (given == nullptr) {
        return fallback;
    }
    if (*given == "auto") {
        return FrontEnd::automatic;
    }
    if (*given == "preload") {
        return FrontEnd::library;
    }
    if (*given == "supervisor") {
        return FrontEnd::supervisor;
    }
    if (*given == "both") {
        return FrontEnd::both;
    }
    throw Refusal(ExitCode::usage,
                  "--front-end=" + shown(*given) + ": expected auto, preload, supervisor or both");
}

} // namespace portguard::tools
