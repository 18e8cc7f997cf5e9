// The functions behind ours: real::bind(...) is what the program would have called without us.
#pragma once

#include <atomic>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/judged_call.h"

namespace portguard::real {

/// A function as libc's header declares it, but never noexcept: connect and close are cancellation points and
/// let a forced unwind pass (H10), and compilers differ over a noexcept that is deduced.
template <typename Function>
struct Plain;
template <typename Result, typename... Arguments, bool nothrow>
struct Plain<Result (*)(Arguments...) noexcept(nothrow)> {
    using Type = Result (*)(Arguments...);
};

/// One pointer per name. Each starts at a resolver, so that a call that arrives before our constructor is
/// served (H01); two threads that resolve at once store the same value. Read-only after that: no line bounces
/// between cores.
struct Pointers {
#define INTERPOSED(name) std::atomic<Plain<decltype(&::name)>::Type> name;
#define ALIAS(name, of)
#include "preload/interposed.def"
#undef INTERPOSED
#undef ALIAS
};
[[gnu::visibility("hidden")]] extern constinit Pointers pointers;

#define INTERPOSED(name)                                                                                     \
    template <typename... Arguments>                                                                         \
    inline auto name(Arguments... arguments) {                                                               \
        return pointers.name.load(std::memory_order_relaxed)(arguments...);                                  \
    }
#define ALIAS(name, of)
#include "preload/interposed.def"
#undef INTERPOSED
#undef ALIAS

/// What stands behind us is the system call and nothing else, for bind and listen both: libc's own function,
/// and no other shim's. Those two are then made as system calls.
[[gnu::visibility("hidden")]] extern constinit std::atomic<bool> are_bare;

[[gnu::cold, gnu::noinline]] long bind_by_pointer(int fd, const sockaddr* address, socklen_t length);
[[gnu::cold, gnu::noinline]] long listen_by_pointer(int fd, int backlog);

/// bind(2) where `are_bare`.
inline long bind_bare(int fd, const sockaddr* address, socklen_t length) {
    return judged_call(SYS_bind, fd, as_argument(address), length);
}

/// bind(2), and listen(2): 0, or -errno. errno itself is left alone, since what fails may be cured, and a
/// call that succeeds leaves it as it was; where another shim is behind us, a failure has set it.
inline long bind_leaving_errno(int fd, const sockaddr* address, socklen_t length) {
    return are_bare.load(std::memory_order_relaxed) ? bind_bare(fd, address, length)
                                                    : bind_by_pointer(fd, address, length);
}
inline long listen_leaving_errno(int fd, int backlog) {
    return are_bare.load(std::memory_order_relaxed) ? judged_call(SYS_listen, fd, backlog)
                                                    : listen_by_pointer(fd, backlog);
}

/// Looks every name up now, instead of at its first call.
void resolve_all();

/// From here on socket, bind and listen reach the kernel as judged: by this library, or by who has it do
/// nothing in this program (mode=off, `only`).
void say_judged(bool is_awake);

} // namespace portguard::real
