#include "tools/supervise/supervise.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/number.h"
#include "kernel/proc.h"
#include "kernel/socket_option.h"
#include "preload/host_plan.h"
#include "preload/taken_along.h"
#include "tools/common/refusal.h"
#include "tools/supervise/answer.h"
#include "tools/supervise/current_caller.h"
#include "tools/supervise/descriptor_channel.h"
#include "tools/supervise/filter.h"
#include "tools/supervise/server.h"
#include "tools/supervise/start_limits.h"

namespace portguard::tools {
namespace {

/// Passes descriptors and single bytes between the program to be and its supervisor.
struct Channel {
    int program = -1;
    int supervisor = -1;
};

/// What the supervisor has read of the host before the filter is made.
struct Hello {
    pid_t pid;
    bool traps_socket;
    bool keeps_outgoing;
};

Hello make_hello() {
    const OutgoingPlan plan = host_plan::plan();
    return {::getpid(), plan.connect == OutgoingMethod::socket_range || plan.clamp_port_zero,
            plan.connect == OutgoingMethod::none || plan.connect == OutgoingMethod::socket_range};
}

/// Signals meant for the program's group, its terminal or its unit: the program needs its answers for as long
/// as it takes to end.
void ignore_signals() {
    for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ,
                             SIGUSR1, SIGUSR2, SIGALRM}) {
        std::signal(number, SIG_IGN);
    }
    std::signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Whoever reads the program's output waits for its end. An image may have no null device.
void let_go_of_output() {
    const int null = ::open("/dev/null", O_RDWR);
    const int there = null >= 0 ? null : ::open("/", O_PATH | O_DIRECTORY);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(there, fd);
    }
}

/// `listener` as kept_listener beside those, and nothing else.
void keep_only(int listener) {
    let_go_of_output();
    if (listener != kept_listener) {
        ::dup3(listener, kept_listener, O_CLOEXEC);
    }
    ::syscall(__NR_close_range, kept_listener + 1, ~0U, 0);
}

std::uint64_t own_network_cookie() {
    std::uint64_t cookie = 0;
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        read_socket_option(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie);
        ::close(fd);
    }
    return cookie;
}

std::uint16_t first_unprivileged_port() {
    constexpr std::uint16_t usual = 1024;
    const auto text = read_text_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", 16, Syscalls{});
    const std::string_view digits = text.has_value() ? *text : std::string_view{};
    return parse_number<std::uint16_t>(digits.substr(0, digits.find('\n'))).value_or(usual);
}

bool has_ptrace_right() {
    const auto status = read_status(::getpid(), Syscalls{});
    return status.has_value() && status->has_effective(CAP_SYS_PTRACE);
}

/// Of this process and those that it forks.
TreeCounts* new_tree_counts() {
    void* const memory =
        ::mmap(nullptr, sizeof(TreeCounts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw Refusal(ExitCode::failure, std::string("no memory can be had: ") + std::strerror(errno));
    }
    return new (memory) TreeCounts;
}

/// What the supervisor is started with.
struct Mission {
    const Config& config;
    const ExplainerPaths& helpers;
    const SupervisorWish& wish;
    TreeCounts& counts;
};

[[noreturn]] void supervise(const Mission& mission, pid_t program, int channel) {
    ::setsid();
    ignore_signals();
    Supervision supervision;
    supervision.beside_library = mission.wish.beside_library;
    supervision.tells_io_uring = mission.wish.counts == nullptr;
    supervision.counts = &mission.counts;
    supervision.own_programs = {identity_of("/proc/self/exe"), identity_of(mission.helpers.own.c_str())};
    supervision.own = own_surroundings();
    supervision.network_cookie = own_network_cookie();
    supervision.first_unprivileged_port = first_unprivileged_port();
    supervision.has_ptrace_right = has_ptrace_right();
    set_up_guard(mission.config, mission.helpers, mission.wish.beside_library);
    const Hello hello = make_hello();
    if (::send(channel, &hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) {
        ::_exit(1);
    }
    const int listener = receive_descriptor(channel);
    if (listener < 0) {
        ::_exit(0);
    }
    // Where that fails, the working directory of the start cannot be unmounted for as long as the tree lives.
    static_cast<void>(::chdir("/") == 0);
    const Sight sight = sight_of(program);
    if (::send(channel, &sight, sizeof sight, MSG_NOSIGNAL) != sizeof sight) {
        ::_exit(1);
    }
    keep_only(listener);
    supervision.listener = kept_listener;
    serve_tree(supervision);
}

/// A child without an exit signal: no SIGCHLD is left pending for the program, and wait(2) does not see it.
pid_t fork_unseen() {
    return static_cast<pid_t>(::syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr));
}

/// A container's first process, or a subreaper: an orphan becomes its child, which its wait(2) sees.
bool adopts_orphans() {
    int is_subreaper = 0;
    return ::getpid() == 1 || (::prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper != 0);
}

/// In the program's place, for as long as there are some.
[[noreturn]] void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::setsid();
    ignore_signals();
    let_go_of_output();
    ::syscall(__NR_close_range, STDERR_FILENO + 1, ~0U, 0);
    static_cast<void>(::chdir("/") == 0);
    while (::waitpid(-1, nullptr, static_cast<int>(__WALL)) > 0 || errno == EINTR) {
    }
    ::_exit(0);
}

/// Beside the program and not below it: its parent is init, or who adopts orphans. Where that is the program,
/// it is below a process that the program does not see.
void fork_supervisor(const Mission& mission, const Channel& channel) {
    const pid_t program = ::getpid();
    const bool is_adopter = adopts_orphans();
    const pid_t between = fork_unseen();
    if (between == 0) {
        // Not at once: libc does not know of this process's number.
        if (::fork() == 0) {
            ::close(channel.program);
            supervise(mission, program, channel.supervisor);
        }
        if (is_adopter) {
            adopt_orphans();
        }
        ::_exit(0);
    }
    ::close(channel.supervisor);
    while (between > 0 && !is_adopter && ::waitpid(between, nullptr, static_cast<int>(__WCLONE)) < 0 &&
           errno == EINTR) {
    }
}

[[noreturn]] void refuse(const std::string& why) {
    throw Refusal(ExitCode::unreachable, "the supervisor cannot be started: " + why);
}

std::string reason_for(int error) {
    switch (error) {
    case EBUSY:
        return "this process is under another one already (a supervisor of portguard's, or a container's "
               "that answers system calls), and the kernel allows one";
    case ENOSYS:
    case EINVAL: return "the kernel has no user notification of seccomp (CONFIG_SECCOMP_FILTER)";
    case EACCES:
    case EPERM: return "seccomp(2) is forbidden here";
    default: return std::string("seccomp(2) failed: ") + std::strerror(error);
    }
}

} // namespace

SupervisorStart start_supervisor(const Config& config, const ExplainerPaths& helpers,
                                 const SupervisorWish& wish) {
    const Mission mission{config, helpers, wish, *(wish.counts == nullptr ? new_tree_counts() : wish.counts)};
    if (config.mode == Mode::off) {
        return {};
    }
    // SECCOMP_IOCTL_NOTIF_ADDFD; on one before 5.5 a call that is to go on would wait for ever.
    constexpr KernelVersion first_that_serves = 0x050900;
    if (kernel_version() < first_that_serves) {
        refuse("it needs Linux 5.9");
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        refuse(std::strerror(errno));
    }
    const Channel channel{ends[0], ends[1]};
    fork_supervisor(mission, channel);
    Hello hello{};
    if (::recv(channel.program, &hello, sizeof hello, 0) != sizeof hello) {
        refuse("its process has ended");
    }
    const InstalledFilter filter =
        install_filter(supervising_filter({hello.traps_socket, wish.refuses_io_uring}));
    if (filter.listener < 0) {
        ::close(channel.program);
        refuse(reason_for(filter.error));
    }
    // Yama lets only those attach that the program names (PR_SET_PTRACER), its own parents aside.
    ::prctl(PR_SET_PTRACER, static_cast<unsigned long>(hello.pid), 0, 0, 0);
    StartFacts facts;
    facts.supervisor = hello.pid;
    facts.keeps_outgoing = hello.keeps_outgoing;
    facts.took_no_new_privs = filter.took_no_new_privs;
    facts.beside_library = wish.beside_library;
    if (!send_descriptor(channel.program, filter.listener) ||
        ::recv(channel.program, &facts.sight, sizeof facts.sight, 0) != sizeof facts.sight) {
        refuse("its process has ended");
    }
    ::close(filter.listener);
    ::close(channel.program);
    return {start_limits(config, facts)};
}

} // namespace portguard::tools
