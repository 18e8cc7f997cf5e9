// The user whose failure is made again: by passwd(5) and group(5), whatever nsswitch.conf(5) says.
#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/skip.h"
#include "support/temporary_folder.h"
#include "tools/repro/scene_process.h"

namespace portguard::test {
namespace {

constexpr uid_t user = 4321;
constexpr int not_allowed = 77;

void lay_over(const std::string& file, const char* place) {
    if (::mount(file.c_str(), place, nullptr, MS_BIND, nullptr) != 0) {
        ::_exit(not_allowed);
    }
}

/// In a child whose accounts are these: 0, if it became the user and has just these groups.
int become_with(const std::string& accounts, const std::string& groups, std::vector<gid_t> expected) {
    const TemporaryFolder folder;
    const std::string passwd_file = folder.write("passwd", accounts);
    const std::string group_file = folder.write("group", groups);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            ::_exit(not_allowed);
        }
        lay_over(passwd_file, "/etc/passwd");
        lay_over(group_file, "/etc/group");
        tools::become(user);
        std::array<gid_t, 64> found{};
        const int count = ::getgroups(found.size(), found.data());
        std::sort(found.begin(), found.begin() + count);
        std::sort(expected.begin(), expected.end());
        ::_exit(::getuid() == user &&
                        std::equal(found.begin(), found.begin() + count, expected.begin(), expected.end())
                    ? 0
                    : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Become : public ::testing::Test {
protected:
    void SetUp() override {
        if (become_with("", "", {}) == not_allowed) {
            PORTGUARD_SKIP("mounts need a privilege that is missing here");
        }
    }
};

TEST_F(Become, AUserHasItsOwnGroupAndThoseThatNameIt) {
    EXPECT_EQ(become_with("root:x:0:0::/root:/bin/sh\nserver:x:4321:50::/:/bin/false\n",
                          "staff:x:50:\nother:x:51:root,servers\nssl-cert:x:60:root,server\nadm:x:4:server\n",
                          {50, 60, 4}),
              0);
}

TEST_F(Become, AUserWithoutAnAccountHasNoGroups) {
    EXPECT_EQ(become_with("root:x:0:0::/root:/bin/sh\n", "staff:x:4321:root\n", {}), 0);
}

} // namespace
} // namespace portguard::test
