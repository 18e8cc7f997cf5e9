// Why a call ended as it did: facts in, one of a closed list out. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "explain/facts.h"

namespace portguard {

enum class Cause : std::uint8_t {
#define CAUSE(name, subject, meaning) name,
#include "explain/causes.def"
#undef CAUSE
};

/// "outgoing_connection": the id in JSON.
std::string_view cause_name(Cause cause);
std::optional<Cause> cause_named(std::string_view name);

/// Some causes show that no harm is done: information, whatever level_of(kind, protocol) is.
bool is_harmless(Cause cause);
Level level_of(EventKind kind, Protocol protocol, Cause cause);

struct Explanation {
    Cause cause = Cause::unknown;
    /// The holder it is about; null: none.
    const Holder* holder = nullptr;
    /// What proves it.
    std::vector<Evidence> evidence;
    /// One sentence without a full stop; foreign text in it is harmless.
    std::string sentence;
    /// For mode=observe: what enforce would have done; empty elsewhere.
    std::string in_enforce;
};

/// Points into `facts`.
Explanation explain(const Facts& facts);

} // namespace portguard
