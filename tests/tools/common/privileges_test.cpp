// A program that raises privileges ignores LD_PRELOAD; one that could but does not, for this caller, starts.
#include "tools/common/privileges.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/child.h"
#include "support/skip.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

constexpr unsigned nobody = 65534;

/// cap_net_bind_service=ep, revision 2 (linux/capability.h), and the same without the effective bit.
constexpr unsigned char effective[20] = {1, 0, 0, 2, 0, 4};
constexpr unsigned char permitted[20] = {0, 0, 0, 2, 0, 4};
constexpr unsigned char inheritable[20] = {0, 0, 0, 2, 0, 0, 0, 0, 0, 4};

class Privileges : public testing::Test {
protected:
    void SetUp() override {
        if (::getuid() != 0) {
            PORTGUARD_SKIP("only root can make a program that belongs to another user");
        }
        program_ = copy_.folder().file("program");
        std::filesystem::copy_file(PORTGUARD_DYNAMIC_PROGRAM, program_);
    }

    void give(unsigned user, unsigned group, mode_t mode) {
        ASSERT_EQ(::chown(program_.c_str(), user, group), 0);
        ASSERT_EQ(::chmod(program_.c_str(), mode), 0);
    }

    template <std::size_t size>
    void set_capabilities(const unsigned char (&value)[size]) {
        ASSERT_EQ(::setxattr(program_.c_str(), "security.capability", value, size, 0), 0);
    }

    /// From a copy, since `nobody` may not be able to read the build folder.
    Finished run_as(const std::function<void()>& before_exec) const {
        return run_process({.argv = {copy_.command(), "run", program_},
                            .environment = {"PORTGUARD_CONFIG=/dev/null"},
                            .folder = "/",
                            .before_exec = before_exec});
    }
    Finished run_as_root() const { return run_as({}); }
    Finished run_as_nobody() const {
        return run_as([] { become_user(nobody); });
    }

    InstalledCopy copy_;
    std::string program_;
};

TEST_F(Privileges, SetUserIdOfAnotherUserIsRefused) {
    give(nobody, 0, 04755);
    EXPECT_TRUE(refused_with(run_as_root(), 3, {program_, "set-user-ID", "65534", "--anyway"}));
    give(0, 0, 04755);
    EXPECT_TRUE(refused_with(run_as_nobody(), 3, {program_, "set-user-ID to user 0"}));
}

TEST_F(Privileges, SetUserIdOfAnotherUserIsRefusedBehindALauncher) {
    give(nobody, 0, 04755);
    for (const Words& launcher : {Words{"timeout", "60"}, Words{"sh", "-c"}}) {
        Words words{"run", "nice"};
        words.insert(words.end(), launcher.begin(), launcher.end());
        words.push_back(program_);
        EXPECT_TRUE(refused_with(portguard(words), 3, {program_, "set-user-ID", "65534", "--anyway"}));
    }
}

TEST_F(Privileges, SetUserIdOfTheCallerStarts) {
    give(0, 0, 04755);
    EXPECT_TRUE(run_as_root().exited_with(42));
    give(nobody, 0, 04755);
    EXPECT_TRUE(run_as_nobody().exited_with(42));
}

TEST_F(Privileges, SetGroupIdOfAnotherGroupIsRefused) {
    give(0, nobody, 02755);
    EXPECT_TRUE(refused_with(run_as_root(), 3, {program_, "set-group-ID", "65534"}));
    EXPECT_TRUE(run_as_nobody().exited_with(42));
}

TEST_F(Privileges, SetGroupIdWithoutTheGroupsExecuteBitStarts) {
    give(0, nobody, 02745);
    EXPECT_TRUE(run_as_root().exited_with(42));
}

TEST_F(Privileges, SetUserIdUnderNoNewPrivilegesStarts) {
    give(nobody, 0, 04755);
    EXPECT_TRUE(run_as([] { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }).exited_with(42));
}

TEST_F(Privileges, OnANosuidMountMeanNothing) {
    give(nobody, 0, 04755);
    const std::string folder = copy_.folder().path();
    const auto mount_nosuid = [&folder] {
        const char* const place = folder.c_str();
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(place, place, nullptr, MS_BIND, nullptr) != 0 ||
            ::mount(nullptr, place, nullptr, MS_BIND | MS_REMOUNT | MS_NOSUID, nullptr) != 0) {
            throw std::system_error(errno, std::generic_category(), "mount");
        }
    };
    EXPECT_TRUE(run_as(mount_nosuid).exited_with(42));
}

TEST_F(Privileges, FileCapabilitiesAreRefusedToAUser) {
    set_capabilities(effective);
    EXPECT_TRUE(refused_with(run_as_nobody(), 3, {program_, "file capabilities", "--anyway"}));
    set_capabilities(permitted);
    EXPECT_TRUE(refused_with(run_as_nobody(), 3, {program_, "file capabilities"}));
}

TEST_F(Privileges, FileCapabilitiesChangeNothingForRoot) {
    set_capabilities(effective);
    EXPECT_TRUE(run_as_root().exited_with(42));
}

TEST_F(Privileges, FileCapabilitiesThatGrantNothingStart) {
    set_capabilities(inheritable);
    EXPECT_TRUE(run_as_nobody().exited_with(42));
}

TEST_F(Privileges, BitsOnAScriptMeanNothing) {
    give(nobody, 0, 04755);
    const std::string script = copy_.folder().write("script", "#!/bin/sh\nexit 7\n", 0755);
    ASSERT_EQ(::chown(script.c_str(), nobody, nobody), 0);
    ASSERT_EQ(::chmod(script.c_str(), 06755), 0);
    EXPECT_TRUE(portguard({"run", script}).exited_with(7));
}

/// That the refusals are right: the loader says what it does with the very same files.
TEST_F(Privileges, TheLoaderIgnoresThePreloadWhereWeRefuse) {
    const auto is_loaded = [this](const std::function<void()>& before_exec) {
        const Finished finished =
            run_process({.argv = {program_},
                         .environment = {"LD_PRELOAD=" + copy_.shim(), "LD_TRACE_LOADED_OBJECTS=1",
                                         "PORTGUARD_CONFIG=/dev/null"},
                         .folder = "/",
                         .before_exec = before_exec});
        return finished.out.find("libportguard.so") != std::string::npos;
    };
    const auto as_nobody = [] { become_user(nobody); };
    EXPECT_TRUE(is_loaded({}));
    set_capabilities(effective);
    EXPECT_TRUE(is_loaded({}));
    EXPECT_FALSE(is_loaded(as_nobody));
    set_capabilities(permitted);
    EXPECT_FALSE(is_loaded(as_nobody));
    set_capabilities(inheritable);
    EXPECT_TRUE(is_loaded(as_nobody));
    give(nobody, 0, 04755);
    EXPECT_FALSE(is_loaded({}));
}

TEST(Capabilities, OfADamagedAttributeGrantNothing) {
    EXPECT_FALSE(tools::grants_capabilities({}));
    EXPECT_FALSE(tools::grants_capabilities(std::as_bytes(std::span(permitted).first(3))));
    EXPECT_FALSE(tools::grants_capabilities(std::as_bytes(std::span(permitted).first(7))));
    EXPECT_TRUE(tools::grants_capabilities(std::as_bytes(std::span(permitted).first(12))));
}

} // namespace
} // namespace portguard::test
