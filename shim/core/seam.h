// The seam between the preloaded object and the diagnosis module: one C function, one plain struct.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/socket.h>

#include "core/config.h"
#include "core/event.h"
#include "core/socket_facts.h"

namespace portguard {

inline constexpr std::uint32_t seam_version = 3;
inline constexpr char seam_function[] = "portguard_diagnose";

enum class Phase : std::uint8_t {
    /// bind said EADDRINUSE: may SO_REUSEADDR help here? Answered in `may_cure`; nothing is written.
    ask,
    /// Write the event, and let go of what was found for `ask`.
    report,
};

/// The real functions, so that the module's own sockets do not come back through the hooks.
struct RealFunctions {
    int (*socket)(int domain, int type, int protocol) noexcept;
    int (*close)(int fd);
};

/// Everything pointed at belongs to the preloaded object and lives until the call returns.
struct SeamRequest {
    std::uint32_t size = sizeof(SeamRequest);
    std::uint32_t version = seam_version;
    Phase phase = Phase::report;
    EventKind kind = EventKind::in_use;
    Call call = Call::bind;
    SocketFacts facts;
    /// The program's descriptor; still open, and bound where the call went through.
    int fd = -1;
    /// The program's errno; 0 where the call went through.
    int error = 0;
    /// What the program passed; null for listen.
    const sockaddr* address = nullptr;
    socklen_t length = 0;
    /// Where explicit binds look for a port (design 3.4, step 3); empty: the kernel chooses.
    PortRange bound_range;
    const Config* config = nullptr;
    /// program_invocation_short_name as it was at start.
    const char* program = nullptr;
    /// ucontext_t of the calling thread inside the hook (getcontext(3)): where a walk of its stack begins.
    void* context = nullptr;
    RealFunctions real{};
    /// Writes one line (or one block of lines) where `log` says, in a way that cannot hurt the program.
    void (*emit)(const char* text, std::size_t length) = nullptr;
    /// The same to the file of `record`; null: there is none.
    void (*record)(const char* text, std::size_t length) = nullptr;
    /// Out, Phase::ask.
    bool may_cure = false;
    /// The module's own, from Phase::ask to Phase::report of the same call: what it has found out is not
    /// asked twice. A request that was served with the one has to be served with the other.
    void* found = nullptr;
};

/// Returns 0, or -1 when the module cannot serve this request (another version) and the caller has to.
using SeamFunction = int (*)(SeamRequest* request);

} // namespace portguard
