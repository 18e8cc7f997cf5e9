/* usage: storm SECONDS SEED      under a plan whose `listen` holds 5000-5999 and whose `ephemeral` does not
   hold 7000-7999 Processes that end, execute, kill themselves, lose threads or fork while they wait for the
   supervisor, eight at a time. After a quarter of the time, and at the end, it prints what has been answered
   so far and waits for a byte on standard input. Exits with 1 for an answer or an end that may not be, which
   it names. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    most_children = 8,
    threads = 3,
    longest_us = 3000,
    first_inside = 5000,
    first_outside = 7000,
    ports = 1000
};

/* Of all processes. */
static struct {
    long ok;
    long refused;
    long in_use;
    long wrong;
    int wrong_errno;
} * answers;

static void count(long* number) {
    __atomic_add_fetch(number, 1, __ATOMIC_RELAXED);
}

static void judge(int error, int inside) {
    if (error == 0 && inside) {
        count(&answers->ok);
    } else if (error == EACCES && !inside) {
        count(&answers->refused);
    } else if (error == EADDRINUSE && inside) {
        count(&answers->in_use);
    } else {
        answers->wrong_errno = error;
        count(&answers->wrong);
    }
}

static void attempt(unsigned* state) {
    const int inside = rand_r(state) % 2;
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port =
        htons((unsigned short)((inside ? first_inside : first_outside) + rand_r(state) % ports));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int failed =
        fd < 0 || bind(fd, (const struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 5) != 0;
    judge(failed ? errno : 0, inside);
    close(fd);
}

static void* attempt_forever(void* argument) {
    unsigned state = (unsigned)(size_t)argument;
    for (;;) {
        attempt(&state);
    }
    return NULL;
}

static void* execute(void* argument) {
    (void)argument;
    execl("/proc/self/exe", "storm", (char*)NULL);
    return NULL;
}

static void end_thread(int number) {
    (void)number;
    syscall(SYS_exit, 0);
}

static void do_nothing(int number) {
    (void)number;
}

static void handle(int number, void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, NULL);
}

static void be_interrupted(unsigned* state) {
    handle(SIGALRM, do_nothing);
    const struct itimerval often = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (int turn = 0; turn < 30; ++turn) {
        attempt(state);
    }
}

/* Thirty-two processes. */
static void multiply(unsigned* state) {
    for (int depth = 0; depth < 5; ++depth) {
        if (fork() == 0) {
            *state += (unsigned)getpid();
        }
        attempt(state);
    }
    while (wait(NULL) > 0) {
    }
}

static void be_a_vfork_child(unsigned* state) {
    for (int turn = 0; turn < 10; ++turn) {
        const pid_t child = vfork();
        if (child == 0) {
            attempt(state);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

/* Among threads that wait for an answer, as most of their time is. */
static void end_among_threads(unsigned kind, unsigned* state) {
    pthread_t thread[threads];
    handle(SIGUSR1, end_thread);
    for (size_t index = 0; index < threads; ++index) {
        pthread_create(&thread[index], NULL, attempt_forever, (void*)(size_t)rand_r(state));
    }
    usleep((unsigned)(rand_r(state) % longest_us));
    switch (kind) {
    case 0: _exit(0);
    case 1: execute(NULL); break;
    case 2: kill(getpid(), SIGKILL); break;
    case 3:
        pthread_create(&thread[0], NULL, execute, NULL);
        pause();
        break;
    default:
        for (size_t index = 0; index < threads; ++index) {
            pthread_kill(thread[index], SIGUSR1);
            pthread_join(thread[index], NULL);
        }
    }
}

static void be_child(unsigned state) {
    const unsigned kind = (unsigned)rand_r(&state) % 8;
    switch (kind) {
    case 5: be_interrupted(&state); break;
    case 6: multiply(&state); break;
    case 7: be_a_vfork_child(&state); break;
    default: end_among_threads(kind, &state);
    }
    _exit(0);
}

static void await_child(void) {
    int status = 0;
    if (wait(&status) > 0 && status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
        printf("a child ended with %d\n", status);
        exit(1);
    }
}

static void run_until(double end, unsigned* state) {
    int children = 0;
    struct timespec now;
    for (clock_gettime(CLOCK_MONOTONIC, &now); (double)now.tv_sec < end;
         clock_gettime(CLOCK_MONOTONIC, &now)) {
        if (++children > most_children) {
            await_child();
            --children;
        }
        const unsigned of_child = (unsigned)rand_r(state);
        if (fork() == 0) {
            be_child(of_child);
        }
    }
    while (children-- > 0) {
        await_child();
    }
    printf("%ld ok, %ld refused, %ld in use, %ld wrong (errno %d)\n", answers->ok, answers->refused,
           answers->in_use, answers->wrong, answers->wrong_errno);
    fflush(stdout);
    char byte = 0;
    if (read(STDIN_FILENO, &byte, 1) != 1 || answers->wrong != 0) {
        exit(1);
    }
}

int main(int count_of_words, char** words) {
    if (count_of_words != 3) {
        return 0;
    }
    void* const shared =
        mmap(NULL, sizeof *answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return 1;
    }
    answers = shared;
    const double seconds = atof(words[1]);
    unsigned state = (unsigned)atoi(words[2]);
    struct timespec begun;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    run_until((double)begun.tv_sec + seconds / 4, &state);
    run_until((double)begun.tv_sec + seconds, &state);
    return 0;
}
