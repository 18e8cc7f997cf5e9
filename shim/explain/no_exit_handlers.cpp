// libstdc++.a has a few static objects with destructors (std::generic_category and its like), and registers
// them to run at exit: while other threads of the program may still be inside the module (H26). Bound here
// instead, inside the module alone, the registration is a promise that nobody keeps.

extern "C" __attribute__((visibility("hidden"))) int
__cxa_atexit(void (* /*function*/)(void*), void* /*argument*/, void* /*object*/) noexcept;

int __cxa_atexit(void (* /*function*/)(void*), void* /*argument*/, void* /*object*/) noexcept {
    return 0;
}
