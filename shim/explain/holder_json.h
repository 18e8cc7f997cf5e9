// Holders for machines: the words of design 3.5, for events and for the answers of the command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "explain/evidence.h"
#include "kernel/holders.h"

namespace portguard {

/// Fields stay in the order of the schema, so that a person can read it as well.
using Json = nlohmann::ordered_json;

/// On one line, without its end. All that is not printable ASCII is escaped: a terminal acts on C1 controls,
/// DEL and marks of direction, which JSON itself would allow (a process may be named so). Bytes that are no
/// UTF-8 become U+FFFD.
std::string line_of(const Json& document);

/// A list of {fact, source}.
Json evidence_json(const std::vector<Evidence>& evidence);
/// Null where it is empty.
Json text_or_null(std::string_view text);
/// "EADDRINUSE"; null for 0.
Json errno_json(int error);

/// Null where there is none.
Json address_json(const Endpoint& endpoint);
/// A path, or "@name".
Json unix_name_json(std::string_view name);
/// Null: unknown.
Json argv_json(const ProcessInfo& process);
Json ancestors_json(const ProcessInfo& process);

/// `netns`: the namespace of whoever reports, since an owner's is told only where it is another one.
Json holder_json(const HolderReport& report, const Holder& holder, std::optional<std::uint64_t> netns);

template <typename Value>
Json or_null(const std::optional<Value>& value) {
    return value.has_value() ? Json(*value) : Json(nullptr);
}

} // namespace portguard
