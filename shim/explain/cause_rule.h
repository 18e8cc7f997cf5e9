// What a cause is: when it holds and by which evidence, its sentence, its cures. One object per cause,
// defined in causes/ under the name that causes.def has for it.
#pragma once

#include <string>

#include "explain/cause.h"
#include "explain/cure_list.h"

namespace portguard {

/// What a rule judges.
struct Case {
    const Facts& facts;
    /// The socket that is in the way; null: none was seen, or the event has none.
    const Holder* holder;

    [[nodiscard]] bool is(EventKind kind) const { return facts.event.kind == kind; }
    /// A port that is in use, or was until it was cured, and a holder that was seen.
    [[nodiscard]] bool has_holder() const { return holder != nullptr; }
    [[nodiscard]] SocketState state() const { return holder->socket.state; }
    [[nodiscard]] bool is_udp() const { return holder->socket.protocol == Protocol::udp; }
    [[nodiscard]] bool is_own() const;
};

struct CauseRule {
    /// True: it is the cause, and `seen` proves it.
    bool (*holds)(const Case& c, EvidenceList& seen);
    /// Without a full stop.
    std::string (*sentence)(const Case& c);
    void (*cures)(const Case& c, CureList& list);
};

namespace causes {
#define CAUSE(name, subject, meaning) extern const CauseRule name;
#include "explain/causes.def"
#undef CAUSE
} // namespace causes

const CauseRule& rule_of(Cause cause);

} // namespace portguard
