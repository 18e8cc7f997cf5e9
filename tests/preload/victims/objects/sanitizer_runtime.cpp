// Has the name by which a ThreadSanitizer is known, and is one from before GCC 14 by what it has not.

extern "C" void __tsan_init() {}
