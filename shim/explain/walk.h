// The calls that led to the hook, as addresses: libunwind over the context that the hook captured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace portguard {

struct CallAddress {
    std::uintptr_t address = 0;
    /// Where the frame's code was interrupted (a signal); else `address` is a return address, and the call
    /// stands before it.
    bool exact = false;

    /// An address inside the instruction that is meant: what symbol and line are looked up by.
    [[nodiscard]] std::uintptr_t inside() const { return exact ? address : address - 1; }
};

struct Walk {
    /// Innermost first.
    std::vector<CallAddress> calls;
    /// Empty, or why there is nothing.
    std::string_view unavailable;
};

/// The right to walk, of one thread at a time. libunwind and dl_iterate_phdr(3) hold locks while they work,
/// and a child forked meanwhile inherits them held: whoever finds the claim taken, by another thread or by
/// the parent it was forked from, goes without (H46).
class WalkClaim {
public:
    WalkClaim();
    WalkClaim(const WalkClaim&) = delete;
    WalkClaim& operator=(const WalkClaim&) = delete;
    ~WalkClaim();
    [[nodiscard]] bool is_ours() const { return taken_; }

private:
    bool taken_ = false;
};

/// Under a claim. `context` is a ucontext_t of this thread whose frames are still there. Reads the stack by
/// process_vm_readv(2), so that a corrupt one ends the walk and no more.
Walk walk_calls(void* context, std::size_t depth);

} // namespace portguard
