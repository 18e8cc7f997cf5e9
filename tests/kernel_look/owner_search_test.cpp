// Whose /proc entries are read first, and what is said of those that are not read.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/cgroup.h"
#include "kernel/holders.h"
#include "kernel/owner_search.h"
#include "kernel_look/holder_samples.h"
#include "support/child.h"
#include "support/private_net.h"
#include "support/skip.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t port = 10000;
constexpr std::chrono::seconds plenty{60};

std::uint32_t inode_of(const Fd& socket) {
    struct stat file {};
    fstat(socket.get(), &file);
    return static_cast<std::uint32_t>(file.st_ino);
}

/// A cgroup of the test's own, of version 2.
class Cgroup {
public:
    Cgroup() {
        for (const char* mount_point : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
            struct statfs system {};
            const std::string path = std::string(mount_point) + "/portguard-test-" + std::to_string(getpid());
            if (statfs(mount_point, &system) == 0 &&
                static_cast<unsigned long>(system.f_type) == CGROUP2_SUPER_MAGIC &&
                mkdir(path.c_str(), 0755) == 0) {
                path_ = path;
                return;
            }
        }
    }
    ~Cgroup() {
        if (valid()) {
            rmdir(path_.c_str());
        }
    }
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    [[nodiscard]] bool valid() const { return !path_.empty(); }
    void enter() const { std::ofstream(path_ + "/cgroup.procs") << getpid() << std::flush; }
    [[nodiscard]] std::uint64_t id() const {
        struct stat file {};
        return stat(path_.c_str(), &file) == 0 ? file.st_ino : 0;
    }

private:
    std::string path_;
};

std::vector<pid_t> processes_in(const OwnerSearch& search) {
    std::vector<pid_t> processes;
    for (const FdOwner& owner : search.owners) {
        processes.push_back(owner.pid);
    }
    return processes;
}

class OwnerSearchTest : public PrivateNetTest {};

TEST_F(OwnerSearchTest, TheKernelNamesTheCgroupAndItsProcessesAreFound) {
    const Cgroup cgroup;
    if (!cgroup.valid()) {
        PORTGUARD_SKIP("no cgroup of version 2 can be made here");
    }
    Fd server;
    const ParkedChild child([&] {
        cgroup.enter();
        server = listener(loopback(port));
    });
    HolderOptions options;
    options.budget = plenty;
    const HolderReport report = find_holders(asked("127.0.0.1"), Protocol::tcp, options);
    ASSERT_EQ(report.holders.size(), 1U);
    EXPECT_EQ(report.holders[0].socket.cgroup, cgroup.id());
    const std::vector<std::uint64_t> ids{cgroup.id()};
    EXPECT_EQ(processes_of_cgroups(ids, Deadline(plenty), Syscalls{}), std::vector{child.pid()});
    OwnerHints hints;
    hints.cgroups = ids;
    hints.most_others = 0;
    const std::vector<std::uint32_t> inodes{report.holders[0].socket.inode};
    const OwnerSearch search = find_owners(inodes, hints, Deadline(plenty), Syscalls{});
    EXPECT_EQ(processes_in(search), std::vector{child.pid()});
    EXPECT_EQ(search.hidden, 0U);
    EXPECT_GT(search.left_out, 0U) << "only the cgroup was read";
}

TEST_F(OwnerSearchTest, AnIdThatNoFolderHasNamesNoProcess) {
    const std::vector<std::uint64_t> ids{~std::uint64_t{0}};
    EXPECT_TRUE(processes_of_cgroups(ids, Deadline(plenty), Syscalls{}).empty());
    EXPECT_TRUE(processes_of_cgroups({}, Deadline(plenty), Syscalls{}).empty());
}

TEST_F(OwnerSearchTest, TheFirstOwnerOfEachSocketIsFoundWhateverTheHintsSay) {
    const Fd first = listener(loopback(port));
    const Fd second = listener(loopback(port + 1));
    std::vector<std::uint32_t> inodes{inode_of(first), inode_of(second)};
    std::sort(inodes.begin(), inodes.end());
    for (const uid_t uid : {getuid(), uid_t{4711}}) {
        OwnerHints hints;
        hints.cgroups = {~std::uint64_t{0}};
        hints.uids = {uid};
        hints.most_others = 0;
        const OwnerSearch search = find_owners(inodes, hints, Deadline(plenty), Syscalls{});
        ASSERT_EQ(search.owners.size(), 2U);
        EXPECT_EQ(search.owners[0].pid, getpid());
        EXPECT_FALSE(search.cut_short);
    }
}

TEST_F(OwnerSearchTest, ChildrenThatInheritedTheSocketAreReadBeforeTheRest) {
    const Fd server = listener(loopback(port));
    const ParkedChild child([] {});
    const std::vector<std::uint32_t> inodes{inode_of(server)};
    OwnerHints hints;
    hints.uids = {getuid()};
    // The parent of this process, and the child with what it inherited.
    hints.most_others = 400;
    const OwnerSearch search = find_owners(inodes, hints, Deadline(plenty), Syscalls{});
    EXPECT_EQ(processes_in(search), (std::vector{getpid(), child.pid()}));
}

TEST_F(OwnerSearchTest, WithinTheLimitNobodyIsLeftOut) {
    const Fd server = listener(loopback(port));
    const ParkedChild child([] { setsid(); });
    const std::vector<std::uint32_t> inodes{inode_of(server)};
    OwnerHints hints;
    hints.uids = {getuid()};
    hints.most_others = 100'000'000;
    const OwnerSearch some = find_owners(inodes, hints, Deadline(plenty), Syscalls{});
    EXPECT_EQ(some.left_out, 0U);
    const OwnerSearch all = find_owners(inodes, Deadline(plenty), Syscalls{});
    EXPECT_EQ(processes_in(some), processes_in(all));
    EXPECT_EQ(processes_in(some).size(), 2U);
}

/// The same file under another number, which stays there.
int at_number(const Fd& file, int number) {
    return dup2(file.get(), number);
}

TEST_F(OwnerSearchTest, EachNumberOfTheFirstOwnerIsFoundLowOrHigh) {
    Fd server = listener(loopback(port));
    const std::vector<std::uint32_t> inodes{inode_of(server)};
    const Fd high(at_number(server, 300));
    OwnerHints hints;
    hints.most_others = 400;
    const auto numbers = [&] {
        std::vector<int> found;
        for (const FdOwner& owner : find_owners(inodes, hints, Deadline(plenty), Syscalls{}).owners) {
            EXPECT_EQ(owner.pid, getpid());
            found.push_back(owner.fd);
        }
        return found;
    };
    EXPECT_EQ(numbers(), (std::vector{server.get(), high.get()}));
    server.reset();
    EXPECT_EQ(numbers(), std::vector{high.get()});
}

TEST_F(OwnerSearchTest, BeyondTheLimitWhoHasItUnderTheSameNumberIsFound) {
    const Fd low = listener(loopback(port));
    Fd other = listener(loopback(port + 1));
    const Fd high(at_number(other, 300));
    other.reset();
    const ParkedChild child([] { setsid(); });
    OwnerHints hints;
    hints.most_others = 1;
    // By kcmp(2), and by /proc where a seccomp filter may kill for that.
    const auto expect_both = [&](const std::vector<std::uint32_t>& inodes) {
        const OwnerSearch search = find_owners(inodes, hints, Deadline(plenty), Syscalls{});
        EXPECT_EQ(processes_in(search), (std::vector{getpid(), child.pid()}));
        EXPECT_EQ(search.left_out, 0U);
    };
    for (const bool compares : {true, false}) {
        hints.compares = compares;
        expect_both({inode_of(low)});
        expect_both({inode_of(high)});
    }
}

} // namespace
} // namespace portguard::test
