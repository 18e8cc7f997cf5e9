/* A program without a libc, as far from LD_PRELOAD as can be. usage: raw_calls WAY PORT
   Makes a TCP socket, binds it to 127.0.0.1:PORT and listens, each by WAY: native, i386 (the calls of 32-bit
   programs) or socketcall (their older form). Exits with 0, or with the errno of the first call that failed.
   It may be a 32-bit program itself. */
#if defined(__i386__)
/* Of which there are no headers on x86-64. */
enum { __NR_exit_group = 252, __NR_socket = 359, __NR_bind = 361, __NR_listen = 363 };
#define clobbered "memory"
#define native of_32_bits
#else
#include <asm/unistd.h>
#define clobbered "r8", "r9", "r10", "r11", "memory"

static long native(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}
#endif

typedef unsigned int word;

/* Static, and linked below 2 GiB: 32-bit calls can have it. */
static struct {
    unsigned short family;
    unsigned short port;
    word address;
    word zero[2];
} address;

static word arguments[3];

static long of_32_bits(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third)
                     : clobbered);
    return (int)result;
}

static long socketcall(long number, long first, long second, long third) {
    arguments[0] = (word)first;
    arguments[1] = (word)second;
    arguments[2] = (word)third;
    return of_32_bits(102, number, (long)arguments, 0);
}

typedef long (*way)(long, long, long, long);

static long make_listener(way call, long socket_number, long bind_number, long listen_number) {
    const long fd = call(socket_number, 2, 1, 0);
    if (fd < 0) {
        return fd;
    }
    const long bound = call(bind_number, fd, (long)&address, 16);
    return bound < 0 ? bound : call(listen_number, fd, 5, 0);
}

static word number_in(const char* text) {
    word value = 0;
    for (; *text != '\0'; ++text) {
        value = value * 10 + (word)(*text - '0');
    }
    return value;
}

__attribute__((used)) static void begin(char** words) {
    const word port = number_in(words[3]);
    address.family = 2;
    address.port = (unsigned short)(port << 8 | port >> 8);
    address.address = 0x0100007f;
    long result = 0;
    switch (words[2][0]) {
    case 'n': result = make_listener(native, __NR_socket, __NR_bind, __NR_listen); break;
    case 'i': result = make_listener(of_32_bits, 359, 361, 363); break;
    default: result = make_listener(socketcall, 1, 2, 4); break;
    }
    native(__NR_exit_group, -result, 0, 0);
}

#if defined(__i386__)
__asm__(".globl _start\n_start:\n\tmovl %esp, %eax\n\tandl $-16, %esp\n\tsubl $12, %esp\n\tpushl "
        "%eax\n\tcall begin\n");
#else
__asm__(".globl _start\n_start:\n\tmovq %rsp, %rdi\n\tandq $-16, %rsp\n\tcall begin\n");
#endif
