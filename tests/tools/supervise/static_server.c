/* Linked statically. usage: static_server WORD...    with, in turn: a port of 127.0.0.1 to listen on,
   "connect=PORT" to connect there and print the own port, "wait" to wait for a byte on standard input, "pid"
   to print it. Prints what each said. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

__attribute__((noinline)) static int open_server(int port) {
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 5) != 0) {
        printf("%d %s\n", port, strerrorname_np(errno));
        return -1;
    }
    printf("%d ok\n", port);
    return fd;
}

__attribute__((noinline)) static void open_client(int port) {
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in own = address;
    socklen_t length = sizeof own;
    const int failed = connect(fd, (const struct sockaddr*)&address, sizeof address) != 0 ||
                       getsockname(fd, (struct sockaddr*)&own, &length) != 0;
    printf("from %d\n", failed ? -errno : ntohs(own.sin_port));
    /* By a reset: nothing of it stays. */
    const struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

int main(int count, char** words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int index = 1; index < count; ++index) {
        char byte = 0;
        if (strcmp(words[index], "wait") == 0) {
            if (read(STDIN_FILENO, &byte, 1) < 0) {
                return 1;
            }
        } else if (strcmp(words[index], "pid") == 0) {
            printf("%d\n", (int)getpid());
        } else if (strncmp(words[index], "connect=", 8) == 0) {
            open_client(atoi(words[index] + 8));
        } else {
            open_server(atoi(words[index]));
        }
    }
    return 0;
}
