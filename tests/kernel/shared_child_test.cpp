// K23, and K18's copy of a stack: what the diagnosis of a call stands on.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/kernel_fixture.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t contested = 10000;

int child_signals = 0;

/// What the child shares with the test: memory, and a socket by its number.
struct Shared {
    const Fd& socket;
    Outcome bound{-1};
};

/// Binds with the flag, and takes it back.
int bind_in_child(void* argument) {
    auto& shared = *static_cast<Shared*>(argument);
    set_reuseaddr(shared.socket);
    shared.bound = bind_to(shared.socket, wildcard(contested));
    set_reuseaddr(shared.socket, false);
    ::close(shared.socket.get());
    return 0;
}

TEST_F(Kernel, K23_a_child_that_shares_the_memory_binds_the_socket_and_is_seen_by_nobody) {
    Fd old = listener(flagged(tcp_socket()), wildcard(contested));
    Connection connection = connect_pair(old);
    old.reset();
    into_time_wait(std::move(connection.server), std::move(connection.client));
    const Fd server = tcp_socket();
    ASSERT_EQ(bind_to(server, wildcard(contested)), Outcome{EADDRINUSE});

    ::signal(SIGCHLD, [](int) { ++child_signals; });
    alignas(16) static std::array<std::byte, 65536> stack;
    Shared shared{server};
    const pid_t child = ::clone(bind_in_child, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK, &shared);
    ASSERT_GT(child, 0);
    EXPECT_EQ(shared.bound, success) << "K23: the child's memory is not ours, or it could not bind";
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "K23: wait(-1) sees it";
    EXPECT_EQ(errno, ECHILD);
    EXPECT_EQ(::waitpid(child, nullptr, __WCLONE), child);
    ::signal(SIGCHLD, SIG_DFL);
    EXPECT_EQ(child_signals, 0) << "K23: SIGCHLD came";
    EXPECT_FALSE(has_reuseaddr(server));
    ASSERT_EQ(set_reuseaddr(server), success) << "K23: the child closed more than its own descriptor";
    EXPECT_EQ(listen_on(server), success);
}

TEST_F(Kernel, K18_a_copy_beyond_the_end_of_a_stack_ends_there) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* memory = ::mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto* const stack = static_cast<std::byte*>(memory);
    ASSERT_EQ(::mprotect(stack + 2 * page, page, PROT_NONE), 0);
    const Fd copy(::memfd_create("stack", 0));
    const ssize_t copied = ::pwrite(copy.get(), stack + 16, 3 * page, 0);
    ::munmap(memory, 3 * page);
    if (copied == static_cast<ssize_t>(page)) {
        // The rest is read in /proc/self/mem (open_memory in explainer.cpp).
        PORTGUARD_OTHERWISE_BEFORE(6, 1, "the copy ends with a whole page of the file");
    }
    EXPECT_EQ(copied, static_cast<ssize_t>(2 * page - 16)) << "K18: the copy does not end by itself";
}

} // namespace
} // namespace portguard::test
