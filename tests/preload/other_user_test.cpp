// Programs of other users, with an /etc of their own.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class OtherUser : public PrivateNetTest {
protected:
    ScratchFolder folder_;
};

constexpr uid_t nobody = 65534;
const std::string outside = "a = tcp4; bind a *:20000";

/// To be called in the child: /etc with one file in it, and the rights of nobody.
void become_nobody_with(const char* path, std::string_view text, mode_t mode) {
    const bool ready = unshare(CLONE_NEWNS) == 0 &&
                       mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("tmpfs", "/etc", "tmpfs", 0, "mode=755") == 0;
    write_text(path, text);
    if (!ready || chmod(path, mode) != 0 || setresuid(nobody, nobody, nobody) != 0) {
        _exit(125);
    }
}

Played play_with_default_file(mode_t mode) {
    return {run({.argv = {victim("socket_script"), outside}, .before_exec = [mode] {
                     become_nobody_with("/etc/portguard.conf", "listen = 10000-19999\n", mode);
                 }})};
}

Played play_preloaded(const std::string& program) {
    return {run({.argv = {program, outside},
                 .environment = {"PORTGUARD_LISTEN=10000-19999"},
                 .with_shim = false,
                 .before_exec = [] { become_nobody_with("/etc/ld.so.preload", shim_path(), 0644); }})};
}

TEST_F(OtherUser, the_default_file_is_read_where_nothing_names_another) {
    const Played played = play_with_default_file(0644);
    EXPECT_EQ(played.said("bind a"), "EACCES") << played.result;
}

TEST_F(OtherUser, a_default_file_that_may_not_be_read_is_one_sentence) {
    const Played played = play_with_default_file(0600);
    EXPECT_EQ(played.said("bind a"), "ok") << played.result;
    EXPECT_EQ(played.result.err,
              "portguard: /etc/portguard.conf: the file cannot be opened; name one in "
              "PORTGUARD_CONFIG that is readable; the guard is inactive in this process\n");
}

// Where an administrator preloads the guard into everything, the environment is still the caller's.
TEST_F(OtherUser, the_guard_does_nothing_in_a_set_user_id_program) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time has to come before the shim in /etc/ld.so.preload";
    }
    const std::string program = folder_.file("program");
    const auto bind_with_mode = [&program](mode_t mode) {
        write_text(program, read_text(victim("socket_script")));
        EXPECT_EQ(chmod(program.c_str(), mode), 0);
        return play_preloaded(program);
    };
    EXPECT_EQ(chmod(folder_.path().c_str(), 0755), 0);
    EXPECT_EQ(bind_with_mode(0755).said("bind a"), "EACCES");
    const Played privileged = bind_with_mode(04755);
    EXPECT_EQ(privileged.said("bind a"), "ok") << privileged.result;
    EXPECT_EQ(privileged.result.err, "");
}

} // namespace
} // namespace portguard::test
