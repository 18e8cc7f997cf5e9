#include "preload/real.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include <dlfcn.h>
#include <sys/syscall.h>

#include "preload/calls_out.h"
#include "preload/start_page.h"

#ifndef SYS_dup2
// The younger architectures have dup3 alone. Where even libc's function cannot be found, dup2(fd, fd) says
// EINVAL there.
#define SYS_dup2 SYS_dup3
#endif

namespace portguard::real {
namespace {

// Of this object, by the linker.
extern "C" [[gnu::visibility("hidden")]] const char __ehdr_start;
extern "C" [[gnu::visibility("hidden")]] const char _end;

// By the name's oldest version, which every glibc has, so that no later one is asked for: with GLIBC_2.34's
// no program starts under an older one. Before 2.34 it lives in libdl, which a program need not have: null
// then.
#if defined(__x86_64__)
asm(".symver dlsym, dlsym@GLIBC_2.2.5");
#elif defined(__i386__)
asm(".symver dlsym, dlsym@GLIBC_2.0");
#elif defined(__aarch64__)
asm(".symver dlsym, dlsym@GLIBC_2.17");
#endif
#pragma weak dlsym

// The plain dlsym is right: glibc exports each of these names in one version only (nm -D libc.so.6); a name
// with more would need dlvsym with the version that the program was linked against (H22).
[[gnu::noinline]] void* find_next(const char* name) {
    if (dlsym == nullptr) {
        return nullptr;
    }
    // RTLD_NEXT goes by the caller's address, which a tail call would make the caller's caller.
    void* const found = dlsym(RTLD_NEXT, name);
    asm volatile("" ::: "memory");
    // To a library that has its own dlsym before us, the next after itself are we (H69).
    const auto address = reinterpret_cast<std::uintptr_t>(found);
    const bool is_ours = address >= reinterpret_cast<std::uintptr_t>(&__ehdr_start) &&
                         address < reinterpret_cast<std::uintptr_t>(&_end);
    return is_ours ? nullptr : found;
}

int with_errno(long result) {
    if (result < 0) {
        errno = static_cast<int>(-result);
        return -1;
    }
    return static_cast<int>(result);
}

/// The system call, as `Function`, one of Pointers, makes it.
template <typename Function, long number>
struct Raw;
template <typename Result, typename... Arguments, long number>
struct Raw<Result (*)(Arguments...), number> {
    /// syscall(2) as libc has it, without another name to look up in every exec.
    static Result call(Arguments... arguments) {
        return with_errno(kernel_call(number, as_argument(arguments)...));
    }
    static Result judged(Arguments... arguments) {
        return with_errno(judged_call(number, as_argument(arguments)...));
    }
};

/// What `find` finds, as `Function`.
template <typename Function, auto find>
struct Resolving;
template <typename Result, typename... Arguments, auto find>
struct Resolving<Result (*)(Arguments...), find> {
    static Result call(Arguments... arguments) { return find()(arguments...); }
};

template <typename Function>
void put_before(std::atomic<Function>& pointer, Function& next, Function ours) {
    next = pointer.load(std::memory_order_relaxed);
    pointer.store(ours, std::memory_order_release);
}

template <typename Function>
Function found(const char* name, Function otherwise, std::atomic<Function>& pointer) {
    void* const next = find_next(name);
    const auto function = next == nullptr ? otherwise : reinterpret_cast<Function>(next);
    pointer.store(function, std::memory_order_relaxed);
    return function;
}

// Not inline, or each would be there twice.
#define INTERPOSED(name)                                                                                     \
    [[gnu::noinline]] auto find_##name() {                                                                   \
        using Function = Plain<decltype(&::name)>::Type;                                                     \
        return found<Function>(#name, Raw<Function, SYS_##name>::call, pointers.name);                       \
    }
#define ALIAS(name, of)
#include "preload/interposed.def"
#undef INTERPOSED

/// Behind us in a program that the guard is to do nothing in.
struct Others {
    Plain<decltype(&::bind)>::Type bind;
    Plain<decltype(&::listen)>::Type listen;
};
PORTGUARD_ON_START_PAGE constinit Others others{};

int bind_of_others(int fd, const sockaddr* address, socklen_t length) {
    JudgedHere mark;
    return others.bind(fd, address, length);
}

int listen_of_others(int fd, int backlog) {
    JudgedHere mark;
    return others.listen(fd, backlog);
}

/// True for a function that begins by making that system call: what comes after it turns the result into
/// errno.
template <typename Function>
bool is_bare(const std::atomic<Function>& pointer, std::uint32_t number) {
    const auto* const function = reinterpret_cast<const void*>(pointer.load(std::memory_order_relaxed));
#if defined(__x86_64__)
    constexpr unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    const auto* code = static_cast<const unsigned char*>(function);
    if (std::memcmp(code, endbr64, sizeof endbr64) == 0) {
        code += sizeof endbr64;
    }
    // mov $number, %eax; syscall
    const unsigned char call[] = {0xb8, static_cast<unsigned char>(number), 0, 0, 0, 0x0f, 0x05};
    return std::memcmp(code, call, sizeof call) == 0;
#elif defined(__aarch64__)
    constexpr std::uint32_t bti_c = 0xd503245f;
    const auto* code = static_cast<const std::uint32_t*>(function);
    code += *code == bti_c ? 1 : 0;
    // mov x8, #number; svc #0
    return code[0] == (0xd2800008U | number << 5) && code[1] == 0xd4000001U;
#else
    // On i386 libc looks its own global data up first, in a way that differs from one build to the next.
    static_cast<void>(function);
    static_cast<void>(number);
    return false;
#endif
}

} // namespace

PORTGUARD_ON_START_PAGE constinit std::atomic<bool> are_bare{false};

#if defined(__i386__)

namespace {

/// On i386 every bind and listen comes this way (is_bare), and one that is cured then leaves errno as it was.
template <typename Call>
long leaving_errno(Call call) {
    const int before = errno;
    if (call() == 0) {
        return 0;
    }
    const long result = -errno;
    errno = before;
    return result;
}

} // namespace

PORTGUARD_CALLS_OUT long bind_by_pointer(int fd, const sockaddr* address, socklen_t length) {
    JudgedHere mark;
    return leaving_errno([=] { return real::bind(fd, address, length); });
}

PORTGUARD_CALLS_OUT long listen_by_pointer(int fd, int backlog) {
    JudgedHere mark;
    return leaving_errno([=] { return real::listen(fd, backlog); });
}

#else

long bind_by_pointer(int fd, const sockaddr* address, socklen_t length) {
    JudgedHere mark;
    return real::bind(fd, address, length) == 0 ? 0 : -errno;
}

long listen_by_pointer(int fd, int backlog) {
    JudgedHere mark;
    return real::listen(fd, backlog) == 0 ? 0 : -errno;
}

#endif

constinit Pointers pointers{
#define INTERPOSED(name) Resolving<Plain<decltype(&::name)>::Type, find_##name>::call,
#include "preload/interposed.def"
#undef INTERPOSED
};

void resolve_all() {
#define INTERPOSED(name) find_##name();
#include "preload/interposed.def"
#undef INTERPOSED
    are_bare.store(is_bare(pointers.bind, SYS_bind) && is_bare(pointers.listen, SYS_listen),
                   std::memory_order_relaxed);
}
#undef ALIAS

void say_judged(bool is_awake) {
#define CALL_AS_JUDGED(name)                                                                                 \
    pointers.name.store(Raw<Plain<decltype(&::name)>::Type, SYS_##name>::judged, std::memory_order_release)
    // The supervisor gives a socket the range that it has already, and need not know whose it is.
    if (is_bare(pointers.socket, SYS_socket)) {
        CALL_AS_JUDGED(socket);
    }
    if (are_bare.load(std::memory_order_relaxed)) {
        CALL_AS_JUDGED(bind);
        CALL_AS_JUDGED(listen);
    } else if (!is_awake) {
        // Awake, what is judged goes through bind_by_pointer() and listen_by_pointer().
        put_before(pointers.bind, others.bind, bind_of_others);
        put_before(pointers.listen, others.listen, listen_of_others);
    }
#undef CALL_AS_JUDGED
}

} // namespace portguard::real
