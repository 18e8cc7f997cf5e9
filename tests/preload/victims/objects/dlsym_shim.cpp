// Another preloaded object that hooks dlsym, as tracers do: asked for the next definition, it asks from where
// it stands itself, and the next after it are we.
#include <dlfcn.h>

extern "C" void* dlsym(void* handle, const char* name) {
    static auto* const real =
        reinterpret_cast<void* (*)(void*, const char*)>(dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5"));
    void* const found = real(handle, name);
    // No tail call: RTLD_NEXT goes by the caller's address.
    asm volatile("" ::: "memory");
    return found;
}
