// What remember=stack may do to a program: nothing that it could notice.
#include <cstdio>
#include <string>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/ring.h"
#include "preload/play.h"
#include "support/private_net.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

class Remember : public PrivateNetTest {
protected:
    [[nodiscard]] std::string ring() const { return folder_.file("ring"); }
    [[nodiscard]] Environment remembering() const { return {"PORTGUARD_REMEMBER=file:" + ring()}; }
    [[nodiscard]] std::size_t records() const {
        return count_of(read_text(ring()), {ring_mark.data(), ring_mark.size()});
    }
    static struct stat status_of(const std::string& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status;
    }

    TemporaryFolder folder_;
};

constexpr const char* a_server_and_a_client =
    "l = tcp4; bind l 127.0.0.1:0; listen l; c = tcp4; connect c @l; u = udp4; bind u 127.0.0.1:0";

/// Python that binds `times` times to a port of the kernel's choice.
std::vector<std::string> binding(int times) {
    return {"/usr/bin/python3", "-c",
            "import socket\nfor i in range(" + std::to_string(times) +
                "):\n s=socket.socket(); s.bind(('127.0.0.1',0)); s.close()\nprint('done')"};
}

TEST_F(Remember, a_record_for_each_call_that_took_a_port_and_one_for_the_process) {
    const Played played = play(a_server_and_a_client, remembering());
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.result.err, "");
    // bind, listen, connect, bind, and the process.
    EXPECT_EQ(records(), 5U);
    EXPECT_EQ(status_of(ring()).st_mode & 0777U, 0600U);
}

TEST_F(Remember, calls_that_fail_or_are_no_internet_sockets_leave_none) {
    const Played played = play("s = unix; bind s unix:" + folder_.file("name") +
                                   "; t = tcp4; bind t 127.0.0.9:0; "
                                   "bind t 127.0.0.9:0; n = netlink",
                               remembering());
    EXPECT_EQ(records(), 2U) << played.result;
}

TEST_F(Remember, off_leaves_no_file) {
    play(a_server_and_a_client);
    EXPECT_NE(::access(ring().c_str(), F_OK), 0);
}

TEST_F(Remember, a_file_that_is_no_ring_is_not_touched) {
    for (const std::string& text : {std::string("precious\n"), std::string(100'000, 'x')}) {
        const std::string path = folder_.write("ring", text);
        const Played played = play(a_server_and_a_client, remembering());
        EXPECT_TRUE(played.result.exited_with(0)) << played.result;
        EXPECT_EQ(read_text(path), text);
    }
}

TEST_F(Remember, links_folders_fifos_and_files_of_all_are_not_written_to) {
    const std::string target = folder_.write("target", "");
    const auto refuses = [&](const char* what) {
        const Played played = play(a_server_and_a_client, remembering());
        EXPECT_TRUE(played.result.exited_with(0)) << what << played.result;
        EXPECT_EQ(read_text(target), "") << what;
        EXPECT_EQ(::remove(ring().c_str()), 0) << what;
    };
    ASSERT_EQ(::symlink(target.c_str(), ring().c_str()), 0);
    refuses("a link");
    ASSERT_EQ(::link(target.c_str(), ring().c_str()), 0);
    refuses("a second name");
    ASSERT_EQ(::mkdir(ring().c_str(), 0700), 0);
    refuses("a folder");
    ASSERT_EQ(::mkfifo(ring().c_str(), 0600), 0);
    refuses("a FIFO without a reader");
    ASSERT_EQ(::close(::creat(ring().c_str(), 0600)), 0);
    ASSERT_EQ(::chmod(ring().c_str(), 0666), 0);
    const Played played = play(a_server_and_a_client, remembering());
    EXPECT_EQ(read_text(ring()), "") << "everybody may write to it" << played.result;
}

TEST_F(Remember, a_folder_that_is_not_there_costs_nothing_but_the_memory) {
    const Played played =
        play(a_server_and_a_client, {"PORTGUARD_REMEMBER=file:" + folder_.file("no/such/ring")});
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.result.err, "");
}

TEST_F(Remember, a_limit_on_the_size_of_files_ends_no_program) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "TSan's own memory is of a file, which the limit cuts";
#endif
    const Finished finished = run({.argv = binding(200), .environment = remembering(), .before_exec = [] {
                                       const rlimit limit{40'000, 40'000};
                                       ::setrlimit(RLIMIT_FSIZE, &limit);
                                   }});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.out, "done\n");
    EXPECT_LE(status_of(ring()).st_size, 40'000);
}

TEST_F(Remember, a_full_file_system_ends_no_program) {
    const Finished finished =
        run({.argv = binding(200), .environment = remembering(), .before_exec = [this] {
                 if (::unshare(CLONE_NEWNS) != 0 ||
                     ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                     ::mount("portguard", folder_.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
                     ::_exit(99);
                 }
             }});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.out, "done\n");
}

TEST_F(Remember, what_is_old_is_given_back) {
    constexpr std::size_t least_record = 1000;
    const Finished finished = run({.argv = binding(static_cast<int>(3 * ring_capacity / ring_stack_capacity)),
                                   .environment = remembering()});
    EXPECT_EQ(finished.out, "done\n") << finished;
    const struct stat status = status_of(ring());
    ASSERT_GT(static_cast<std::size_t>(status.st_size), ring_capacity + (ring_capacity / 2)) << least_record;
    EXPECT_LT(static_cast<std::size_t>(status.st_blocks) * 512, ring_capacity + (std::size_t{2} << 20));
}

TEST_F(Remember, no_descriptor_stays_and_the_numbers_are_those_of_before) {
    const std::string script = "import socket,os\nl=[socket.socket() for i in range(3)]\nfor s in l: "
                               "s.bind(('127.0.0.1',0)); s.listen()\n"
                               "print([s.fileno() for s in l], sorted(os.listdir('/proc/self/fd')))";
    const std::vector<std::string> argv{"/usr/bin/python3", "-c", script};
    EXPECT_EQ(run({.argv = argv, .environment = remembering()}).out,
              run({.argv = argv, .with_shim = false}).out);
    EXPECT_GE(records(), 7U);
}

TEST_F(Remember, writers_that_are_killed_hold_up_no_other) {
    for (int round = 0; round < 8; ++round) {
        Background writer({.argv = {"/usr/bin/python3", "-c",
                                    "import socket\nprint('on',flush=True)\nwhile True:\n s=socket.socket(); "
                                    "s.bind(('127.0.0.1',0)); s.close()"},
                           .environment = remembering()});
        ASSERT_EQ(writer.read_line(), "on");
        ::usleep(static_cast<useconds_t>(1000 + 700 * round));
        writer.kill_hard();
        const std::size_t before = records();
        const Played after = play("s = tcp4; bind s 127.0.0.1:0", remembering());
        EXPECT_TRUE(after.result.exited_with(0)) << after.result;
        EXPECT_EQ(records(), before + 2);
    }
}

} // namespace
} // namespace portguard::test
