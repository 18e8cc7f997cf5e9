// K4: SO_REUSEADDR on a live socket of another process, and who may set it.
#include <cerrno>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel_fixture.h"
#include "support/child.h"
#include "support/skip.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;
constexpr std::uint16_t elsewhere = 9000;
constexpr unsigned nobody = 65534;

/// A second fd for fd `number` of process `pid`; not valid, with errno, where that is refused.
Fd fetch(pid_t pid, int number) {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process.valid()) {
        return {};
    }
    return Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
}

TEST_F(Kernel, K04_the_flag_can_be_set_on_a_live_socket_of_another_process) {
    set_ephemeral_range(contested, contested);
    const Fd target = listener(loopback(elsewhere));
    Connection connection = connect_pair(target);
    const int number = connection.client.get();
    const ParkedChild owner([] {});
    connection.client.reset(); // the child's copy is the only one now
    ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});

    const Fd borrowed = fetch(owner.pid(), number);
    ASSERT_TRUE(borrowed.valid()) << "K4: pidfd_getfd said " << Outcome{errno};
    ASSERT_FALSE(has_reuseaddr(borrowed));
    ASSERT_EQ(set_reuseaddr(borrowed), success);
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), success)
        << "K4: the flag set from outside has no effect";
    EXPECT_TRUE(carries_data({fetch(owner.pid(), number), std::move(connection.server)}))
        << "K4: the connection of the other process is harmed";
}

/// What pidfd_getfd says to user `asker` about fd 0 of a process of user `owner`.
Outcome fetch_as(unsigned asker, unsigned owner, bool dumpable) {
    const ParkedChild target([owner, dumpable] {
        if (owner != 0) {
            become_user(owner);
        }
        ::prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0);
    });
    const int error = result_in_child([asker, &target] {
        if (asker != 0) {
            become_user(asker);
        }
        return fetch(target.pid(), 0).valid() ? 0 : errno;
    });
    return Outcome{error};
}

class KernelPtraceRights : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        if (result_in_child([] { return (become_user(nobody), 0); }) != 0) {
            PORTGUARD_SKIP("becoming a second user needs root");
        }
        std::ifstream yama("/proc/sys/kernel/yama/ptrace_scope");
        int scope = 0;
        if (yama >> scope && scope != 0) {
            PORTGUARD_SKIP("Yama's ptrace_scope narrows the plain rule");
        }
    }
};

TEST_F(KernelPtraceRights, K04_same_user_and_dumpable_is_enough) {
    EXPECT_EQ(fetch_as(nobody, nobody, true), success);
}

TEST_F(KernelPtraceRights, K04_same_user_but_not_dumpable_is_refused) {
    EXPECT_EQ(fetch_as(nobody, nobody, false), Outcome{EPERM});
}

TEST_F(KernelPtraceRights, K04_another_user_is_refused) {
    EXPECT_EQ(fetch_as(nobody, 0, true), Outcome{EPERM});
    EXPECT_EQ(fetch_as(nobody, nobody - 1, true), Outcome{EPERM});
}

TEST_F(KernelPtraceRights, K04_sys_ptrace_reaches_everybody) {
    EXPECT_EQ(fetch_as(0, nobody, false), success);
    EXPECT_EQ(fetch_as(0, nobody, true), success);
}

} // namespace
} // namespace portguard::test
