#include "explain/stack_frame.h"

#include "core/text.h"

namespace portguard {

std::string describe(const Frame& frame) {
    Text<40> offset;
    offset.add(frame.module.empty() ? "0x" : "+0x").add_hex(frame.offset);
    const std::string place = std::string(base_name(frame.module)) + std::string(offset.view());
    if (!frame.file.empty()) {
        return (frame.symbol.empty() ? place : frame.symbol) + " at " + std::string(base_name(frame.file)) +
               ":" + std::to_string(frame.line);
    }
    return frame.symbol.empty() ? place : frame.symbol + " (" + place + ")";
}

} // namespace portguard
