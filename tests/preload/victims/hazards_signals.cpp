// Calls where the stack is small, the code is interrupted or the thread is cancelled.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "victims/hazard.h"

namespace victim {
namespace {

std::atomic<int> handler_runs{0};
std::atomic<int> wrong_answers{0};

void handle_alarm(int /*signal*/) {
    const int saved = errno;
    wrong_answers += try_bind(busy_port) != EADDRINUSE ? 1 : 0;
    wrong_answers += try_bind(allowed_port + 100) != 0 ? 1 : 0;
    ++handler_runs;
    errno = saved;
}

void on_alarm(void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(SIGALRM, &action, nullptr);
}

void tell_one(int /*signal*/) {
    say("bind in use", try_bind(busy_port));
    say("bind refused", try_bind(refused_port));
}

void tell_one_in_coroutine() {
    tell_one(0);
}

ucontext_t coroutine;
ucontext_t back;

/// Whole pages, and one below them that nobody may touch: who needs more dies of it.
class GuardedStack {
public:
    explicit GuardedStack(std::size_t size)
        : size_(size), guard_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
          base_(static_cast<char*>(
              ::mmap(nullptr, size + guard_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        if (base_ == MAP_FAILED || ::mprotect(base_, guard_, PROT_NONE) != 0) {
            std::abort();
        }
    }
    GuardedStack(const GuardedStack&) = delete;
    GuardedStack& operator=(const GuardedStack&) = delete;
    ~GuardedStack() { ::munmap(base_, size_ + guard_); }

    [[nodiscard]] char* data() const { return base_ + guard_; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    std::size_t size_;
    std::size_t guard_;
    char* base_;
};

/// Runs `body` on `stack`.
template <typename Stack>
void run_on(Stack& stack, void (*body)()) {
    ::getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = stack.data();
    coroutine.uc_stack.ss_size = stack.size();
    coroutine.uc_link = &back;
    ::makecontext(&coroutine, body, 0);
    ::swapcontext(&back, &coroutine);
}

int measured_fd = -1;
int other_fd = -1;
void calls_that_succeed() {
    int on = 1;
    ::setsockopt(other_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bind_errno(measured_fd, allowed_port);
    ::listen(measured_fd, 16);
    connect_errno(other_fd, allowed_port);
    ::close(other_fd);
}

long touched(const std::vector<char>& stack, char paint) {
    std::size_t untouched = 0;
    while (untouched < stack.size() && stack[untouched] == paint) {
        ++untouched;
    }
    return static_cast<long>(stack.size() - untouched);
}

long depth_of_calls() {
    constexpr char paint = 0x5a;
    std::vector<char> stack(65536, paint);
    measured_fd = open_tcp();
    other_fd = open_tcp();
    run_on(stack, calls_that_succeed);
    ::close(measured_fd);
    return touched(stack, paint);
}

std::atomic<bool> cleaned_up{false};
void clean_up(void* /*unused*/) {
    cleaned_up = true;
}

void* body_of_connect(void* /*unused*/) {
    pthread_cleanup_push(clean_up, nullptr);
    const int fd = open_tcp();
    connect_errno(fd, allowed_port);
    pthread_cleanup_pop(0);
    return nullptr;
}

void* cancel_then_connect(void* unused) {
    ::pthread_cancel(::pthread_self());
    return body_of_connect(unused);
}

void* cancel_then_close(void* /*unused*/) {
    pthread_cleanup_push(clean_up, nullptr);
    const int fd = open_tcp();
    ::pthread_cancel(::pthread_self());
    ::close(fd);
    pthread_cleanup_pop(0);
    return nullptr;
}

void* cancel_then_fail(void* /*unused*/) {
    pthread_cleanup_push(clean_up, nullptr);
    ::pthread_cancel(::pthread_self());
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    say("bind with a cancellation pending", bind_errno(fd, busy_port));
    ::pthread_testcancel();
    pthread_cleanup_pop(0);
    return nullptr;
}

int report_join(pthread_t thread) {
    void* result = nullptr;
    ::pthread_join(thread, &result);
    say_number("cancelled", result == PTHREAD_CANCELED ? 1 : 0);
    say_number("cleaned up", cleaned_up ? 1 : 0);
    return 0;
}

int run_cancelled(void* (*body)(void*)) {
    pthread_t thread{};
    ::pthread_create(&thread, nullptr, body, nullptr);
    return report_join(thread);
}

} // namespace

int call_in_signal_handlers() {
    occupy_busy_port();
    on_alarm(handle_alarm, SA_RESTART);
    const itimerval often{{0, 700}, {0, 700}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    for (int tries = 0; tries < 200000 && handler_runs < 200; ++tries) {
        wrong_answers += try_bind(busy_port) != EADDRINUSE ? 1 : 0;
        wrong_answers += try_bind(allowed_port) != 0 ? 1 : 0;
    }
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    say_number("handler ran often", handler_runs >= 200 ? 1 : 0);
    say_number("wrong answers", wrong_answers);
    return 0;
}

int report_on_alternate_stack() {
    occupy_busy_port();
    const GuardedStack memory(8192);
    stack_t stack{};
    stack.ss_sp = memory.data();
    stack.ss_size = memory.size();
    ::sigaltstack(&stack, nullptr);
    on_alarm(tell_one, SA_ONSTACK);
    ::raise(SIGALRM);
    return 0;
}

int report_on_coroutine_stack() {
    occupy_busy_port();
    const GuardedStack stack(16384);
    run_on(stack, tell_one_in_coroutine);
    return 0;
}

int measure_stack_depth() {
    depth_of_calls();
    say_number("bytes", depth_of_calls());
    return 0;
}

int cancel_pending_in_connect() {
    open_listener();
    return run_cancelled(cancel_then_connect);
}

int cancel_blocked_in_connect() {
    const int listener = open_tcp();
    bind_errno(listener, allowed_port);
    ::listen(listener, 0);
    // One waits to be accepted, which is all that backlog 0 lets through; the next waits for its answer.
    connect_errno(open_tcp(), allowed_port);
    pthread_t thread{};
    ::pthread_create(&thread, nullptr, body_of_connect, nullptr);
    ::poll(nullptr, 0, 50);
    ::pthread_cancel(thread);
    return report_join(thread);
}

int cancel_pending_in_close() {
    return run_cancelled(cancel_then_close);
}

int cancel_pending_in_failed_bind() {
    occupy_busy_port();
    return run_cancelled(cancel_then_fail);
}

} // namespace victim
