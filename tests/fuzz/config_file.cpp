// The text of a configuration file, which its owner writes with any editor.
#include <cstddef>
#include <cstdint>

#include "fuzz/claims.h"

using namespace portguard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Draft draft;
    Sentence why;
    const bool accepted = apply_file(draft, fuzz::view_of(data, size), default_config_path, why);
    if (accepted) {
        fuzz::require(why.empty(), "an accepted file has no refusal");
        fuzz::require_round_trip(draft.config);
    }
    if (!accepted || !check_whole(draft, why)) {
        fuzz::require_sentence(why);
    }
    return 0;
}
