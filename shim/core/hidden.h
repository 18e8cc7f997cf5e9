// Read before all else (shim/CMakeLists.txt). -fvisibility=hidden does not reach what a file only declares:
// to the compiler that may be another library's, and on i386 each function that calls it first looks up where
// the library lies (1.2 KB).
#pragma once

// What these declare is another library's.
#include <cerrno>
#include <ctime>
#if !defined(PORTGUARD_HAS_MEMORY_FUNCTIONS) // of its own (memory.cpp)
#include <cstring>
#endif

#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)
