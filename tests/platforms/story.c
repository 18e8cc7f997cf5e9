// The story of a host's ports, in C for a libc that has no python3: story serve-once|take-twice|connect
// COUNT.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int open_the_front_door(int port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 256) != 0) {
        printf("%d\n", errno);
        exit(0);
    }
    return fd;
}

static int connect_to(int port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
    return fd;
}

// The server closes first, so that its own port is the one in TIME_WAIT.
static void serve_once(void) {
    int server = open_the_front_door(10000);
    int client = connect_to(10000);
    int accepted = accept(server, 0, 0);
    close(accepted);
    close(client);
    puts("served");
}

static void connect_often(int count) {
    int among_listeners = 0;
    open_the_front_door(5000);
    for (int made = 0; made < count; ++made) {
        struct sockaddr_in address;
        socklen_t length = sizeof address;
        getsockname(connect_to(5000), (struct sockaddr*)&address, &length);
        int port = ntohs(address.sin_port);
        among_listeners += port >= 10000 && port <= 19999;
    }
    printf("%d\n", among_listeners);
}

int main(int count, char** words) {
    if (count == 2 && strcmp(words[1], "serve-once") == 0) {
        serve_once();
    } else if (count == 2 && strcmp(words[1], "take-twice") == 0) {
        open_the_front_door(10003);
        open_the_front_door(10003);
    } else if (count == 3 && strcmp(words[1], "connect") == 0) {
        connect_often(atoi(words[2]));
    } else {
        return 2;
    }
    return 0;
}
