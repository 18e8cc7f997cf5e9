/* frames_program HOW PORT: binds a port that it has itself, in surroundings in which a stack is hard to get.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int last_error;

/* The names that a report has to show: nothing inlined, and no tail call. */
__attribute__((noinline)) int open_the_front_door(int fd, const struct sockaddr_in* address) {
    const int result = bind(fd, (const struct sockaddr*)address, sizeof *address);
    last_error = result == 0 ? 0 : errno;
    return last_error;
}

__attribute__((noinline)) int in_vfork_child(int fd, const struct sockaddr_in* address) {
    const pid_t child = vfork();
    if (child == 0) {
        _exit(open_the_front_door(fd, address));
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

__attribute__((noinline)) int without_dumps(int fd, const struct sockaddr_in* address, uid_t user) {
    if (setresuid(user, user, user) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return 255;
    }
    last_error = open_the_front_door(fd, address);
    return last_error;
}

int main(int count, char** arguments) {
    if (count != 3) {
        return 2;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(arguments[2]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int holder = socket(AF_INET, SOCK_STREAM, 0);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(holder, (const struct sockaddr*)&address, sizeof address) != 0 || listen(holder, 1) != 0) {
        return 3;
    }
    int error = 255;
    if (strcmp(arguments[1], "plain") == 0) {
        error = open_the_front_door(fd, &address);
    } else if (strcmp(arguments[1], "vfork") == 0) {
        error = in_vfork_child(fd, &address);
    } else if (strcmp(arguments[1], "undumpable") == 0) {
        error = without_dumps(fd, &address, getuid());
    } else if (strcmp(arguments[1], "undumpable-nobody") == 0) {
        error = without_dumps(fd, &address, 65534);
    }
    return error == EADDRINUSE ? 0 : 4;
}
