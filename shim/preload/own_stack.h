// A stack of our own for work that may need more than the program has left (H12).
#pragma once

#include <cstddef>

namespace portguard {

/// An anonymous mapping with a guard page below, for as long as the object lives.
class OwnStack {
public:
    OwnStack();
    OwnStack(const OwnStack&) = delete;
    OwnStack& operator=(const OwnStack&) = delete;
    ~OwnStack();

    /// False: no memory was to be had.
    [[nodiscard]] bool exists() const { return base_ != nullptr; }
    /// Calls function(argument) on this stack. The function must return: neither exceptions nor longjmp nor
    /// cancellation may leave it.
    void call(void (*function)(void*), void* argument) const;

private:
    char* base_ = nullptr;
};

} // namespace portguard
