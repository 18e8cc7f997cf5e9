// What the C++ run-time knows of a thread's exceptions, in place of libstdc++'s own. That is thread-local
// storage of an object loaded late, which the first throw allocates (H13), and where there is no memory for
// it libc ends the program: "cannot allocate memory for thread-local data: ABORT", the very throw being a
// std::bad_alloc. Storage of the initial-exec kind is there once the object is.
#include <cxxabi.h>

namespace __cxxabiv1 {

/// As the Itanium C++ ABI has it (2.2.2, Caught Exception Stack).
struct __cxa_eh_globals {
    void* caught_exceptions;
    unsigned uncaught_exceptions;
};

} // namespace __cxxabiv1

namespace {

[[gnu::tls_model("initial-exec")]] constinit thread_local __cxxabiv1::__cxa_eh_globals globals{};

} // namespace

extern "C" {

__cxxabiv1::__cxa_eh_globals* __cxxabiv1::__cxa_get_globals() noexcept {
    return &globals;
}
__cxxabiv1::__cxa_eh_globals* __cxxabiv1::__cxa_get_globals_fast() noexcept {
    return &globals;
}

} // extern "C"
