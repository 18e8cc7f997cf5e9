// On i386 a function takes its arguments from the stack, where each call pushes them and drops them again.
// For those of our own that are called most.
#pragma once

#if defined(__i386__)
#define PORTGUARD_BY_REGISTERS [[gnu::regparm(3)]]
#else
#define PORTGUARD_BY_REGISTERS
#endif
