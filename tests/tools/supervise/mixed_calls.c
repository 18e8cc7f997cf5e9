/* A dynamic program that makes calls past its libc. usage: mixed_calls
   Listens on 127.0.0.1:5000 by libc and, from the very next instruction on, asks for 7000 by the kernel: with
   what libc's calls have left in the registers. Exits with 0, or with the errno of the last. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* All registers but those of the three arguments are as they were. */
static long bind_by_kernel(int fd, const struct sockaddr_in* address) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_bind), "D"(fd), "S"(address), "d"(sizeof *address)
                     : "rcx", "r11", "memory");
    return result;
}

int main(void) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(5000);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr_in other = address;
    other.sin_port = htons(7000);
    const int first = socket(AF_INET, SOCK_STREAM, 0);
    const int second = socket(AF_INET, SOCK_STREAM, 0);
    if (listen(first, 5) != 0 || second < 0) {
        return 255;
    }
    return bind(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr*)&address, sizeof address) != 0
               ? 254
               : (int)-bind_by_kernel(second, &other);
}
