#include <gtest/gtest.h>

#include "kernel/owner_search.h"
#include "kernel/proc.h"

#include "support/child.h"
#include "support/sockets.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>

namespace portguard::test {
namespace {

constexpr std::chrono::milliseconds plenty{10000};

std::uint32_t inode_of(const Fd& socket) {
    struct stat file {};
    fstat(socket.get(), &file);
    return static_cast<std::uint32_t>(file.st_ino);
}

TEST(Proc, ReadsTheInodeOutOfASocketLink) {
    EXPECT_EQ(parse_socket_link("socket:[4711]"), 4711U);
    EXPECT_EQ(parse_socket_link("socket:[4294967295]"), 4294967295U);
    for (const char* link : {"pipe:[4711]", "socket:[]", "socket:[4711", "socket:[47x]", "/a/socket:[1]",
                             "socket:[4294967296]", "socket:[-1]", ""}) {
        EXPECT_EQ(parse_socket_link(link), std::nullopt) << link;
    }
}

TEST(Proc, ReadsNameParentAndEffectiveUser) {
    const ProcessStatus status =
        parse_status("Name:\ta b)\\n(c\nUmask:\t0022\nPPid:\t12\nUid:\t0\t33\t0\t0\n");
    EXPECT_EQ(status.name, "a b)\\n(c");
    EXPECT_EQ(status.parent, 12);
    EXPECT_EQ(status.effective_uid(), 33U);
}

TEST(Proc, ReadsWhatDecidesWhoMayBorrow) {
    const ProcessStatus status =
        parse_status("Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nCapPrm:\t000001ffffffffff\n"
                     "CapEff:\t0000000000080000\nSeccomp:\t2\n");
    EXPECT_EQ(status.uids, (ThreeIds<uid_t>{1, 2, 3}));
    EXPECT_EQ(status.gids, (ThreeIds<gid_t>{5, 6, 7}));
    EXPECT_EQ(status.permitted_capabilities, 0x1ffffffffffU);
    EXPECT_EQ(status.effective_capabilities, 1U << 19);
    EXPECT_EQ(status.seccomp_mode, 2);
}

TEST(Proc, KnowsWhomASigtermDoesNotEnd) {
    struct {
        const char* text;
        bool outlives;
    } const samples[] = {
        {"State:\tS (sleeping)\nNSpid:\t41\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000000\n", false},
        {"State:\tT (stopped)\nNSpid:\t41\nSigIgn:\t0000000000000000\n", true},
        {"State:\tS (sleeping)\nNSpid:\t41\nSigIgn:\t0000000000004000\n", true},
        {"State:\tS (sleeping)\nNSpid:\t41\t1\nSigCgt:\t0000000000000000\n", true},
        {"State:\tS (sleeping)\nNSpid:\t41\t1\nSigCgt:\t0000000000004000\n", false},
        {"State:\tS (sleeping)\nNSpid:\t41\t11\nSigCgt:\t0000000000000000\n", false},
        {"State:\tS (sleeping)\nNSpid:\t1\nSigCgt:\t0000000000000000\n", false},
    };
    for (const auto& sample : samples) {
        EXPECT_EQ(parse_status(sample.text).outlives_sigterm(), sample.outlives) << sample.text;
    }
}

TEST(Proc, LeavesUnknownWhatAStatusDoesNotSay) {
    for (const char* text : {"", "Name", "Name:", "PPid:\tx\nUid:\tabc\n", "\n\n:::\n"}) {
        const ProcessStatus status = parse_status(text);
        EXPECT_EQ(status.name, "") << text;
        EXPECT_EQ(status.parent, 0) << text;
        EXPECT_EQ(status.effective_uid(), std::nullopt) << text;
    }
}

TEST(Proc, SplitsACommandLineAtItsNuls) {
    using namespace std::string_view_literals;
    EXPECT_EQ(parse_command_line("nginx\0-g\0\0"sv), (std::vector<std::string>{"nginx", "-g", ""}));
    EXPECT_EQ(parse_command_line("nginx: master process"sv),
              std::vector<std::string>{"nginx: master process"});
    EXPECT_TRUE(parse_command_line("").empty());
}

TEST(Proc, FindsEveryProcessThatSharesASocket) {
    const Fd socket = tcp_socket();
    const ParkedChild child([] {});
    const std::vector<std::uint32_t> wanted{inode_of(socket)};
    const OwnerSearch search = find_owners(wanted, Deadline(plenty), Syscalls{});
    ASSERT_EQ(search.owners.size(), 2U);
    EXPECT_EQ(search.error, 0);
    EXPECT_FALSE(search.cut_short);
    for (const FdOwner& owner : search.owners) {
        EXPECT_TRUE(owner.pid == getpid() || owner.pid == child.pid()) << owner.pid;
        EXPECT_EQ(owner.fd, socket.get());
        EXPECT_EQ(owner.inode, wanted.front());
    }
}

TEST(Proc, FindsDescriptorsAmongGapsAndFarAway) {
    const Fd first = tcp_socket();
    const Fd far = tcp_socket();
    const Fd moved(fcntl(far.get(), F_DUPFD_CLOEXEC, 700));
    std::vector<std::uint32_t> wanted{inode_of(first), inode_of(far)};
    std::sort(wanted.begin(), wanted.end());
    const OwnerSearch search = find_owners(wanted, Deadline(plenty), Syscalls{});
    std::vector<int> fds;
    for (const FdOwner& owner : search.owners) {
        fds.push_back(owner.fd);
    }
    std::sort(fds.begin(), fds.end());
    EXPECT_EQ(fds, (std::vector<int>{first.get(), far.get(), moved.get()}));
}

TEST(Proc, StopsAtTheDeadlineAndSaysSo) {
    const Fd socket = tcp_socket();
    const std::vector<std::uint32_t> wanted{inode_of(socket)};
    const OwnerSearch search = find_owners(wanted, Deadline(std::chrono::milliseconds(0)), Syscalls{});
    EXPECT_TRUE(search.owners.empty());
    EXPECT_TRUE(search.cut_short);
}

TEST(Proc, CountsProcessesWhoseDescriptorsThisUserMayNotSee) {
    const Fd socket = tcp_socket();
    const std::vector<std::uint32_t> wanted{inode_of(socket)};
    EXPECT_EQ(result_in_child([&] {
                  become_user(65534);
                  const OwnerSearch search = find_owners(wanted, Deadline(plenty), Syscalls{});
                  return search.hidden > 0 && search.error == 0 ? 0 : 1;
              }),
              0);
}

TEST(Proc, DescribesAProcessWithItsAncestors) {
    const ParkedChild child([] {});
    const auto info = read_process(child.pid(), Syscalls{});
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->pid, child.pid());
    ASSERT_FALSE(info->ancestors.empty());
    EXPECT_EQ(info->ancestors.front().pid, getpid());
    EXPECT_EQ(info->ancestors.front().comm, info->comm);
    ASSERT_FALSE(info->argv.empty());
    EXPECT_EQ(info->uid, geteuid());
    EXPECT_EQ(info->netns, own_netns());
}

TEST(Proc, SaysNothingOfAProcessThatHasGone) {
    constexpr pid_t beyond_pid_max = 5'000'000;
    EXPECT_FALSE(read_process(beyond_pid_max, Syscalls{}).has_value());
}

} // namespace
} // namespace portguard::test
