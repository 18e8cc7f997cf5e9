// A failing call of this process, as the preloaded object leaves it to portguard-explain, and what that makes
// of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ucontext.h>

#include "core/snapshot.h"
#include "support/sockets.h"

namespace portguard::test {

struct FailedCall {
    /// A bind that said EADDRINUSE, of "victim", on a TCP socket.
    FailedCall(const Fd& asking, const Address& asked);

    /// For listen(2): the address is the socket's own.
    void forget_address() { snapshot.address_length = 0; }

    Snapshot snapshot;
    /// -1: the report has no socket to ask.
    int socket = -1;
    /// The program's memory goes along, as descriptor 6.
    bool has_memory = false;
    /// What the child's own look has seen (SeenSockets); nothing: it did not look, or not to the end.
    std::optional<std::vector<std::byte>> look = {};
    /// At most so many bytes of the stack are copied.
    std::size_t copied_stack = snapshot_stack_capacity;
    /// In the child, just before exec.
    std::function<void()> before_exec = {};
};

struct Explanation {
    /// Of the helper; -1: a signal ended it.
    int status = -1;
    /// What it wrote to its standard error.
    std::string text;
};

/// Executes `helper` for the call, whose stack is the one of `context` (getcontext(3)): that frame has to be
/// there still.
Explanation explain(const FailedCall& call, const ucontext_t& context, const char* helper);

/// The same for bytes of any kind in place of the snapshot.
Explanation explain_bytes(const std::string& bytes, const FailedCall& call, const char* helper);

/// The snapshot and the stack, as bytes.
std::string bytes_of(const FailedCall& call, const ucontext_t& context);

} // namespace portguard::test
