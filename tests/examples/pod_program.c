/* A program of an image that knows nothing of portguard: one port that a listener has, and one that a
 * TIME_WAIT has. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in at(unsigned short port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int bound(unsigned short port, const char* name) {
    const struct sockaddr_in address = at(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const int failed = bind(fd, (const struct sockaddr*)&address, sizeof address);
    printf("%s %s\n", name, failed ? strerror(errno) : "ok");
    fflush(stdout);
    return fd;
}

int main(void) {
    const struct sockaddr_in server = at(7000);
    const int first = bound(7000, "first");
    listen(first, 8);
    close(bound(7000, "second"));

    const int client = socket(AF_INET, SOCK_STREAM, 0);
    connect(client, (const struct sockaddr*)&server, sizeof server);
    /* Who closes first keeps the TIME_WAIT. */
    close(accept(first, NULL, NULL));
    close(first);
    close(client);
    close(bound(7000, "restart"));
    /* A read-only root and another user: neither is in the way of the program, nor of a report. */
    FILE* const file = fopen("/written", "w");
    printf("root %s uid %d\n", file ? "writable" : strerror(errno), (int)getuid());
    return 0;
}
