#include "preload/real.h"

#include <cerrno>

#include <dlfcn.h>
#include <sys/syscall.h>

#include "kernel/kernel_call.h"

#ifndef SYS_dup2
// The younger architectures have dup3 alone. Where even libc's function cannot be found, dup2(fd, fd) says
// EINVAL there.
#define SYS_dup2 SYS_dup3
#endif

namespace portguard::real {
namespace {

// The plain dlsym is right: glibc exports each of these names in one version only (nm -D libc.so.6); a name
// with more would need dlvsym with the version that the program was linked against (H22).
void* find_next(const char* name) {
    // RTLD_NEXT goes by the caller's address, which a tail call would make the caller's caller.
    void* const found = dlsym(RTLD_NEXT, name);
    asm volatile("" ::: "memory");
    return found;
}

/// syscall(2) as libc has it, without another name to look up in every exec.
template <typename... Arguments>
int call_kernel(long number, Arguments... arguments) {
    const long result = kernel_call(number, as_argument(arguments)...);
    if (result < 0) {
        errno = static_cast<int>(-result);
        return -1;
    }
    return static_cast<int>(result);
}

#define EXPAND(...) __VA_ARGS__
#define INTERPOSED(result, name, parameters, arguments, specification, number)                               \
    result raw_##name parameters specification {                                                             \
        return call_kernel(number, EXPAND arguments);                                                        \
    }                                                                                                        \
    auto find_##name() {                                                                                     \
        auto function = reinterpret_cast<result(*) parameters specification>(find_next(#name));              \
        if (function == nullptr) {                                                                           \
            function = raw_##name;                                                                           \
        }                                                                                                    \
        pointers.name.store(function, std::memory_order_relaxed);                                            \
        return function;                                                                                     \
    }                                                                                                        \
    result resolve_##name parameters specification {                                                         \
        return find_##name() arguments;                                                                      \
    }
#define ALIAS(name, of)
#include "preload/interposed.def"
#undef INTERPOSED

} // namespace

constinit Pointers pointers{
#define INTERPOSED(result, name, parameters, arguments, specification, number) resolve_##name,
#include "preload/interposed.def"
#undef INTERPOSED
};

void resolve_all() {
#define INTERPOSED(result, name, parameters, arguments, specification, number) find_##name();
#include "preload/interposed.def"
#undef INTERPOSED
}
#undef ALIAS

} // namespace portguard::real
