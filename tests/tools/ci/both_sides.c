// What the two sides of a conflict do, each in a function of its own name. Arguments: a role, and a port.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define APART __attribute__((noinline, noipa))

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

APART static int pick_a_port(int fd) {
    const struct sockaddr_in any = loopback(0);
    const int result = bind(fd, (const struct sockaddr*)&any, sizeof any);
    close(fd);
    return result;
}

APART static int connect_to_server(int fd, int port) {
    const struct sockaddr_in server = loopback(port);
    const int result = connect(fd, (const struct sockaddr*)&server, sizeof server);
    return result + (fd < 0);
}

APART static int serve_on(int fd, int port) {
    const struct sockaddr_in own = loopback(port);
    const int result = bind(fd, (const struct sockaddr*)&own, sizeof own);
    return result != 0 ? result : listen(fd, 8);
}

static void wait_for_end(int fd) {
    char byte = 0;
    while (read(fd, &byte, 1) > 0) {
    }
}

static void stay(void) {
    puts("ready");
    fflush(stdout);
    sleep(60);
}

int main(int count, char** arguments) {
    const char* const role = count > 2 ? arguments[1] : "";
    const int port = count > 2 ? atoi(arguments[2]) : 0;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    int result = -1;
    if (strcmp(role, "pick") == 0) {
        return pick_a_port(fd) != 0;
    }
    if (strncmp(role, "connect", 7) == 0) {
        result = connect_to_server(fd, port);
    } else if (strncmp(role, "serve", 5) == 0) {
        result = serve_on(fd, port);
    }
    // Whoever closes first is left with TIME_WAIT.
    if (result == 0 && strncmp(role, "serve-one", 9) == 0) {
        puts("ready");
        fflush(stdout);
        const int accepted = accept(fd, NULL, NULL);
        if (strcmp(role, "serve-one-closed-by-peer") == 0) {
            wait_for_end(accepted);
        }
        close(accepted);
        close(fd);
        return 0;
    }
    if (result == 0 && strcmp(role, "connect-closed-by-peer") == 0) {
        wait_for_end(fd);
    }
    if (result == 0 && strstr(role, "-stay") != NULL) {
        stay();
    }
    return result != 0;
}
