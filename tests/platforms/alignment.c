/* Stands behind the library on i386: ends the program where a function is called with the stack at no
 * multiple of 16, which each of them may count on (System V ABI, Intel386 supplement). */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void check(const char* function, const void* frame) {
    /* Below the frame's word and the return address. */
    if (((uintptr_t)frame + 8) % 16 != 0) {
        write(2, function, strlen(function));
        write(2, ": misaligned\n", 13);
        _exit(9);
    }
}

#define CHECK() check(__func__, __builtin_frame_address(0))

int socket(int domain, int type, int protocol) {
    CHECK();
    return (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr* address, socklen_t length) {
    CHECK();
    return (int)syscall(SYS_bind, fd, address, length);
}

int listen(int fd, int backlog) {
    CHECK();
    return (int)syscall(SYS_listen, fd, backlog);
}

int connect(int fd, const struct sockaddr* address, socklen_t length) {
    CHECK();
    return (int)syscall(SYS_connect, fd, address, length);
}

int close(int fd) {
    CHECK();
    return (int)syscall(SYS_close, fd);
}

int clock_gettime(clockid_t clock, struct timespec* time) {
    CHECK();
    return (int)syscall(SYS_clock_gettime, clock, time);
}

extern char** environ;

/* Behind the environment on the stack. */
unsigned long getauxval(unsigned long type) {
    CHECK();
    char** word = environ;
    while (*word++ != NULL) {
    }
    const Elf32_auxv_t* entry = (const Elf32_auxv_t*)word;
    while (entry->a_type != AT_NULL && entry->a_type != type) {
        ++entry;
    }
    return entry->a_un.a_val;
}
