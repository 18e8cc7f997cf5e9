// A line of a log: what is read has been checked, what is refused has its sentence.
#include "fuzz/claims.h"
#include "tools/events/event_record.h"

using namespace portguard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line = fuzz::view_of(data, size);
    const tools::ParsedEvent parsed = tools::parse_event(line);
    fuzz::require(parsed.event.has_value() == parsed.problem.empty(), "an event or a sentence");
    for (const char character : parsed.problem) {
        fuzz::require(character >= ' ' && character <= '~', "the sentence is one printable line");
    }
    if (parsed.event.has_value()) {
        fuzz::require(parsed.event->json == line, "the line is kept");
        fuzz::require(tools::parse_event(parsed.event->json).event.has_value(), "it can be read again");
    }
    return 0;
}
