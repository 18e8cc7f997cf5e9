// K19: a supervisor reaches a static binary through seccomp user notification and pidfd_getfd.
#include <array>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <string>

#include <elf.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/kernel_fixture.h"
#include "support/child.h"
#include "support/sockets.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;
constexpr const char* contested_text = "10000";

// Linux 6.6, newer than the headers of the oldest distribution that builds this. The argument of
// SECCOMP_IOCTL_NOTIF_SET_FLAGS is its value, not a pointer.
constexpr unsigned long notif_set_flags = _IOW(SECCOMP_IOC_MAGIC, 4, std::uint64_t);
constexpr unsigned long sync_wake_up = 1;

/// What only a flagged binder gets past: the TIME_WAIT of a flagged server.
void leave_flagged_time_wait() {
    Fd server = listener(flagged(tcp_socket()), wildcard(contested));
    Connection connection = connect_pair(server);
    server.reset();
    into_time_wait(std::move(connection.server), std::move(connection.client));
}

[[noreturn]] void become_static_server() {
    ::execl(PORTGUARD_STATIC_SERVER, PORTGUARD_STATIC_SERVER, contested_text, nullptr);
    ::_exit(255);
}

/// Makes every bind(2) of this process and its children wait for the holder of the returned fd.
int notify_about_bind() {
    std::array<sock_filter, 4> code{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return static_cast<int>(
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

/// A child that is about to become the static server, with every bind under `notifications`.
struct Supervised {
    pid_t pid = -1;
    Fd process;
    Fd notifications;
};

Fd fetch(const Fd& process, int number) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
}

Supervised start_supervised() {
    int tell[2];
    int go[2];
    if (::pipe(tell) != 0 || ::pipe(go) != 0) {
        throw std::runtime_error("pipe");
    }
    const Fd tell_read(tell[0]);
    Fd tell_write(tell[1]);
    Fd go_read(go[0]);
    const Fd go_write(go[1]);
    Supervised child;
    child.pid = ::fork();
    if (child.pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int number = notify_about_bind();
        char byte = 0;
        if (::write(tell_write.get(), &number, sizeof number) == sizeof number &&
            ::read(go_read.get(), &byte, 1) == 1) {
            become_static_server();
        }
        ::_exit(255);
    }
    // With these open here, a child that dies would leave the read below waiting.
    tell_write.reset();
    go_read.reset();
    int number = -1;
    if (::read(tell_read.get(), &number, sizeof number) != sizeof number || number < 0) {
        throw std::runtime_error("the child could not install its filter");
    }
    child.process = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    child.notifications = fetch(child.process, number);
    if (!child.notifications.valid() || ::write(go_write.get(), "g", 1) != 1) {
        throw std::runtime_error("K19: the notification fd cannot be had with pidfd_getfd");
    }
    return child;
}

bool readable_in_time(const Fd& fd) {
    pollfd waiting{fd.get(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(patience.count())) == 1 && (waiting.revents & POLLIN) != 0;
}

int exit_code(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool is_static(const char* path) {
    std::ifstream file(path, std::ios::binary);
    Elf64_Ehdr header{};
    file.read(reinterpret_cast<char*>(&header), sizeof header);
    bool interpreter = false;
    for (unsigned index = 0; index < header.e_phnum; ++index) {
        Elf64_Phdr segment{};
        file.seekg(static_cast<std::streamoff>(header.e_phoff + index * sizeof segment));
        file.read(reinterpret_cast<char*>(&segment), sizeof segment);
        interpreter = interpreter || segment.p_type == PT_INTERP;
    }
    return file.good() && header.e_phnum > 0 && !interpreter;
}

TEST_F(Kernel, K19_the_static_server_fails_without_a_supervisor) {
    ASSERT_TRUE(is_static(PORTGUARD_STATIC_SERVER)) << "the victim asks for a dynamic loader";
    leave_flagged_time_wait();
    const int error = result_in_child([]() -> int { become_static_server(); });
    EXPECT_EQ(Outcome{error}, Outcome{EADDRINUSE});
}

TEST_F(Kernel, K19_the_wake_up_of_a_notification_can_be_synchronous) {
    const Supervised child = start_supervised();
    const int result = ::ioctl(child.notifications.get(), notif_set_flags, sync_wake_up);
    const Outcome outcome = outcome_of(result);
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    if (outcome == Outcome{EINVAL}) {
        PORTGUARD_NOT_THERE_BEFORE(6, 6, "SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP is not there");
    }
    EXPECT_EQ(outcome, success);
}

TEST_F(Kernel, K19_notification_and_pidfd_getfd_cure_the_bind_of_a_static_binary) {
    leave_flagged_time_wait();
    const Supervised child = start_supervised();
    ASSERT_TRUE(readable_in_time(child.notifications)) << "K19: no notification of the bind";
    seccomp_notif notification{};
    ASSERT_EQ(::ioctl(child.notifications.get(), SECCOMP_IOCTL_NOTIF_RECV, &notification), 0);
    ASSERT_EQ(notification.data.nr, SYS_bind);
    EXPECT_EQ(notification.pid, static_cast<std::uint32_t>(child.pid));

    const Fd socket = fetch(child.process, static_cast<int>(notification.data.args[0]));
    EXPECT_TRUE(socket.valid()) << "K19: pidfd_getfd of a process that waits in bind said " << Outcome{errno};
    EXPECT_EQ(set_reuseaddr(socket), success);
    ASSERT_EQ(::ioctl(child.notifications.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &notification.id), 0);
    seccomp_notif_resp answer{};
    answer.id = notification.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ASSERT_EQ(::ioctl(child.notifications.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
    EXPECT_EQ(Outcome{exit_code(child.pid)}, success)
        << "K19: the cured bind, or the listen after it, failed";
}

} // namespace
} // namespace portguard::test
