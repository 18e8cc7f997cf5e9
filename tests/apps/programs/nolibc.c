/* A program without a libc, by raw system calls on x86-64. usage: nolibc PORT [COUNT tcp]
   Answers each client of 127.0.0.1:PORT once; or asks there COUNT times, one after another, and prints, as
   the other clients of the load do, "N succeeded, N failed". */
#include <asm/unistd.h>

enum { AF_INET = 2, SOCK_STREAM = 1, SOCK_CLOEXEC = 02000000, MSG_NOSIGNAL = 0x4000 };

struct address {
    unsigned short family;
    unsigned short port;
    unsigned int address;
    unsigned char zero[8];
};

static long call(long number, long first, long second, long third) {
    register long fourth __asm__("r10") = MSG_NOSIGNAL;
    register long fifth __asm__("r8") = 0;
    register long sixth __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}

static int say(int fd, const char* text) {
    long length = 0;
    while (text[length] != '\0') {
        ++length;
    }
    return call(__NR_write, fd, (long)text, length) == length;
}

static void say_number(long number) {
    char digits[24];
    char* begin = digits + sizeof digits - 1;
    *begin = '\0';
    do {
        *--begin = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    say(1, begin);
}

static long number_in(const char* text) {
    long value = 0;
    for (; *text != '\0'; ++text) {
        value = value * 10 + (*text - '0');
    }
    return value;
}

static struct address loopback(long port) {
    const struct address address = {AF_INET, (unsigned short)(port << 8 | port >> 8), 0x0100007f, {0}};
    return address;
}

__attribute__((noinline)) static int serve(long port) {
    const struct address address = loopback(port);
    const int listener = (int)call(__NR_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const long bound = call(__NR_bind, listener, (long)&address, sizeof address);
    const long failed = bound != 0 ? bound : call(__NR_listen, listener, 64, 0);
    if (failed != 0) {
        say(2, "nolibc: errno ");
        return (int)-failed;
    }
    for (;;) {
        char request[512];
        const int client = (int)call(__NR_accept, listener, 0, 0);
        /* It stays open: whoever asked hangs up, or the end of this program does. */
        if (client >= 0 && call(__NR_read, client, (long)request, sizeof request) > 0) {
            say(client, "hello\n");
        }
    }
}

/* Until the server has hung up: the TIME_WAIT is its. */
static int ask(const struct address* address) {
    char answer[512];
    const int fd = (int)call(__NR_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long length = -1;
    if (call(__NR_connect, fd, (long)address, sizeof *address) == 0 && say(fd, "PING\r\n")) {
        length = call(__NR_read, fd, (long)answer, sizeof answer);
        while (call(__NR_read, fd, (long)answer, sizeof answer) > 0) {
        }
    }
    call(__NR_close, fd, 0, 0);
    return length > 0;
}

static int ask_often(long port, long count) {
    const struct address address = loopback(port);
    long succeeded = 0;
    for (long turn = 0; turn < count; ++turn) {
        succeeded += ask(&address);
    }
    say_number(succeeded);
    say(1, " succeeded, ");
    say_number(count - succeeded);
    say(1, " failed\n");
    return 0;
}

__attribute__((used)) static void begin(long* stack) {
    const long count = *stack;
    char** const words = (char**)(stack + 1);
    const int status =
        count > 2 ? ask_often(number_in(words[1]), number_in(words[2])) : serve(number_in(words[1]));
    call(__NR_exit_group, status, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmovq %rsp, %rdi\n\tandq $-16, %rsp\n\tcall begin\n");
