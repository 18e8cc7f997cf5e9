// The state that `portguard metrics` keeps, and lines of a record in pieces.
#include <cstddef>
#include <cstdint>

#include "fuzz/claims.h"
#include "tools/metrics/metrics_state.h"

using namespace portguard;
using namespace portguard::tools;

namespace {

void require_pieces_count_as_one(std::string_view text) {
    EventCounts whole = no_events();
    LineCounter at_once(whole, false);
    at_once.take(text);
    EventCounts parts = no_events();
    LineCounter in_two(parts, false);
    in_two.take(text.substr(0, text.size() / 2));
    in_two.take(text.substr(text.size() / 2));
    fuzz::require(whole == parts, "pieces count as the whole");
    fuzz::require(at_once.settled() == in_two.settled() && at_once.settled() <= text.size(),
                  "the place is the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::view_of(data, size);
    const ParsedState parsed = parse_state(text);
    fuzz::require(parsed.state.has_value() == parsed.problem.empty(), "there is a state or a problem");
    if (parsed.state.has_value()) {
        const std::string again = state_text(*parsed.state);
        const ParsedState second = parse_state(again);
        fuzz::require(second.state.has_value() && state_text(*second.state) == again,
                      "what is written reads back");
    }
    require_pieces_count_as_one(text);
    return 0;
}
