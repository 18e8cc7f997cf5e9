// The functions behind ours: real::bind(...) is what the program would have called without us.
#pragma once

#include <atomic>

#include <sys/socket.h>

namespace portguard::real {

/// One pointer a name. Each starts at a resolver, so that a call that arrives before our constructor is
/// served (H01); two threads that resolve at once store the same value. Read-only after that: no line bounces
/// between cores.
struct Pointers {
#define INTERPOSED(result, name, parameters, arguments, specification, number)                               \
    std::atomic<result(*) parameters specification> name;
#define ALIAS(name, of)
#include "preload/interposed.def"
#undef INTERPOSED
#undef ALIAS
};
[[gnu::visibility("hidden")]] extern constinit Pointers pointers;

#define INTERPOSED(result, name, parameters, arguments, specification, number)                               \
    inline result name parameters specification {                                                            \
        return pointers.name.load(std::memory_order_relaxed) arguments;                                      \
    }
#define ALIAS(name, of)
#include "preload/interposed.def"
#undef INTERPOSED
#undef ALIAS

/// Looks every name up now, instead of at its first call.
void resolve_all();

} // namespace portguard::real
