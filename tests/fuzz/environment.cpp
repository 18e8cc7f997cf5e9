// The environment: entries that end in NUL, as execve(2) takes whatever its caller made up.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/claims.h"

using namespace portguard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::view_of(data, size));
    std::vector<const char*> entries;
    for (std::size_t start = 0; start < text.size(); start = text.find('\0', start) + 1) {
        entries.push_back(text.c_str() + start);
        if (text.find('\0', start) == std::string::npos) {
            break;
        }
    }
    entries.push_back(nullptr);

    Draft draft;
    Sentence why;
    const bool accepted = apply_environment(draft, entries.data(), why);
    if (accepted) {
        fuzz::require(why.empty(), "an accepted environment has no refusal");
        fuzz::require_round_trip(draft.config);
        const std::string_view only = trimmed(draft.config.only);
        fuzz::require(only.empty() || only.find(',') != std::string_view::npos ||
                          is_active_in(draft.config, only),
                      "a program that is named alone is guarded");
    }
    if (!accepted || !check_whole(draft, why)) {
        fuzz::require_sentence(why);
    }
    const char* const path = config_path_in(entries.data());
    const auto* const end = text.c_str() + text.size();
    fuzz::require(path == nullptr || (path > text.c_str() && path <= end), "the path lies in its entry");
    return 0;
}
