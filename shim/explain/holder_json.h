// Holders for machines: the words of design 3.5, for events and for the answers of the command.
#pragma once

#include <cstdint>
#include <optional>

#include <nlohmann/json.hpp>

#include "kernel/holders.h"

namespace portguard {

/// Fields stay in the order of the schema, so that a person can read it as well.
using Json = nlohmann::ordered_json;

/// Null where there is none.
Json address_json(const Endpoint& endpoint);
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
