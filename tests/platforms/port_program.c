/* port_program twice PORT | once PORT | start PROGRAM [ARGUMENT...]: calls whose outcome a report or a cure
 * shows. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in address;

/* The name that a report has to show. */
__attribute__((noinline)) int open_the_front_door(int fd) {
    const int result = bind(fd, (const struct sockaddr*)&address, sizeof address);
    __asm__ volatile("" ::: "memory");
    return result;
}

/* Prints the errno of binding a port that is listened on. */
static int twice(void) {
    const int holder = socket(AF_INET, SOCK_STREAM, 0);
    if (open_the_front_door(holder) != 0 || listen(holder, 1) != 0) {
        return 3;
    }
    const int result = open_the_front_door(socket(AF_INET, SOCK_STREAM, 0));
    printf("%d\n", result == 0 ? 0 : errno);
    return 0;
}

/* A server that is the first to hang up, so that the port is left in TIME_WAIT. Prints the errno that bind
   and listen leave, 77 where they succeed as they should. */
static int once(void) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    errno = 77;
    const int failed = open_the_front_door(server) != 0 || listen(server, 1) != 0;
    printf("%d\n", errno);
    if (failed) {
        return 0;
    }
    if (connect(client, (const struct sockaddr*)&address, sizeof address) != 0) {
        return 3;
    }
    close(accept(server, NULL, NULL));
    close(client);
    return 0;
}

static int start(char** words) {
    const pid_t child = fork();
    if (child == 0) {
        execv(words[0], words);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(int count, char** arguments) {
    if (count < 3) {
        return 2;
    }
    if (strcmp(arguments[1], "start") == 0) {
        return start(arguments + 2);
    }
    address.sin_family = AF_INET;
    address.sin_port = htons((in_port_t)atoi(arguments[2]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return strcmp(arguments[1], "twice") == 0 ? twice() : once();
}
