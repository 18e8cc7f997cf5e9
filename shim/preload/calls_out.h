// On i386 the library keeps its stack to a multiple of 4, which spares 2 KB of code. Other libraries may
// count on the 16 of the ABI: what calls one of their functions, and is itself called from here, aligns the
// stack first, and is compiled with 16.
#pragma once

#if defined(__i386__)
#define PORTGUARD_CALLS_OUT [[gnu::force_align_arg_pointer]]
#else
#define PORTGUARD_CALLS_OUT
#endif
