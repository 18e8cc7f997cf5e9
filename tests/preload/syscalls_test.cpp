// "Extra syscalls on success" of design 5, counted by strace.
#include <string>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "preload/syscall_counts.h"
#include "support/kernel_features.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

TEST_F(Syscalls, socket_close_setsockopt_and_bind_to_a_port_of_the_plan_add_none) {
    // Inside the plan's: a UDP socket needs no clamp.
    set_ephemeral_range(40000, 50000);
    const std::string script =
        "a = tcp4; set a reuseaddr 1; set a nodelay 1; bind a *:10000; close a; b = udp4; bind b "
        "*:10000; close b; c = unix; bind c unix:@s; listen c; close c; d = tcp6; bind d [::1]:10000";
    EXPECT_EQ(added(script, plan), nothing);
    EXPECT_EQ(added(script, {}), nothing);
    EXPECT_EQ(added(script, {"PORTGUARD_MODE=observe", "PORTGUARD_LISTEN=1-65535"}), nothing);
}

TEST_F(Syscalls, listen_adds_two_and_none_where_the_program_chose) {
    EXPECT_EQ(added("a = tcp4; bind a *:10000; listen a", plan),
              (Counts{{"getsockopt", 1}, {"setsockopt", 1}}));
    EXPECT_EQ(added("a = tcp4; set a reuseaddr 1; bind a *:10000; listen a", plan), nothing);
}

TEST_F(Syscalls, connect_adds_one_where_the_host_s_range_covers_listen) {
    PORTGUARD_NEEDS_PORT_RANGE();
    set_ephemeral_range(10000, 60000);
    EXPECT_EQ(added("c = tcp4; connect c @l; close c", plan, "l = tcp4; bind l *:10000; listen l"),
              (Counts{{"setsockopt", 1}}));
}

TEST_F(Syscalls, connect_adds_none_where_the_host_keeps_the_split) {
    set_ephemeral_range(40000, 50000);
    EXPECT_EQ(added("c = tcp4; connect c @l; close c; u = udp4; connect u @l", plan,
                    "l = tcp4; bind l *:10000; listen l"),
              nothing);
}

TEST_F(Syscalls, a_courteous_connect_adds_two) {
    EXPECT_EQ(added("c = tcp4; connect c @l; close c", {}, "l = tcp4; bind l *:10000; listen l"),
              (Counts{{"getsockopt", 1}, {"setsockopt", 1}}));
    EXPECT_EQ(added("c = tcp4; bind c *:10001; connect c @l", {}, "l = tcp4; bind l *:10000; listen l"),
              nothing);
}

TEST_F(Syscalls, it_asks_for_the_port_as_well_once_a_duplicate_has_been_bound) {
    EXPECT_EQ(added("c = tcp4; connect c @l; close c", {},
                    "l = tcp4; bind l *:10000; listen l; a = tcp4; d = dup a; bind d *:10001"),
              (Counts{{"getsockname", 1}, {"getsockopt", 1}, {"setsockopt", 1}}));
}

TEST_F(Syscalls, bind_to_port_zero_asks_for_its_number_and_listen_and_connect_after_it_add_none) {
    EXPECT_EQ(added("a = tcp4; bind a *:0; listen a", {}), (Counts{{"getsockname", 1}}));
    EXPECT_EQ(added("a = udp4; bind a *:0", {}), (Counts{{"getsockname", 1}}));
    // Where the plan has to keep the number inside ephemeral as well, one more.
    set_ephemeral_range(10000, 60000);
    const Counts kept{{"setsockopt", 1}, {"getsockname", 1}};
    EXPECT_EQ(added("a = tcp4; bind a *:0; listen a", plan), kept);
    EXPECT_EQ(added("a = tcp4; bind a *:0; connect a @l", plan, "l = tcp4; bind l *:10000; listen l"), kept);
}

TEST_F(Syscalls, dup2_and_dup3_add_none) {
    EXPECT_EQ(added("a = tcp4; b = tcp4; dup2 a b; bind b *:10000; dup2 b b", plan), nothing);
}

TEST_F(Syscalls, the_first_call_reads_two_sysctls_and_no_more) {
    EXPECT_EQ(added("a = tcp4; bind a *:10000", plan, "w = tcp4"),
              (Counts{{"openat", 2}, {"read", 2}, {"close", 2}, {"mmap", 1}, {"munmap", 1}}));
    EXPECT_EQ(added("c = tcp4; connect c @l", {}, "l = unix; bind l unix:@a; l = tcp4; listen l"),
              (Counts{{"getsockopt", 1}, {"setsockopt", 1}}));
}

TEST_F(Syscalls, of_a_call_that_fails_the_program_itself_makes_no_more_than_a_child_takes) {
    const std::string holder = "l = tcp4; bind l *:10000; listen l; a = tcp4; t = tcp4; u = unix; dup2 t u";
    const Counts child{{"mmap", 1},  {"munmap", 1}, {"mprotect", 2}, {"clone", 1},
                       {"wait4", 1}, {"getpid", 1}, {"gettid", 1},   {"rt_sigprocmask", 2}};
    const auto is_of_the_scripts = [](const auto& entry) { return entry.first == "write"; };
    for (const Environment& environment : {Environment{}, plan, plan_with({"PORTGUARD_MODE=observe"})}) {
        for (const char* call : {"bind a *:10000", "bind a 192.0.2.1:10000", "bind u *:10000"}) {
            Counts counts = of_host(holder, call, environment);
            std::erase_if(counts, is_of_the_scripts);
            Counts expected = child;
            expected["bind"] = 1;
            EXPECT_EQ(counts, expected) << call;
        }
    }
}

TEST_F(Syscalls, mode_off_adds_none_at_all) {
    EXPECT_EQ(added("a = tcp4; bind a *:10000; listen a; c = tcp4; connect c @a; o = tcp4; bind o *:30000",
                    plan_with({"PORTGUARD_MODE=off"}), "w = tcp4"),
              nothing);
}

TEST_F(Syscalls, the_constructor_looks_at_stderr_and_one_file) {
    const auto start_up = [](bool with_shim) {
        const TemporaryFolder folder;
        const std::string trace = folder.file("trace");
        run({.argv = {"/usr/bin/strace", "-o", trace, "-E",
                      "LD_PRELOAD=" + (with_shim ? std::string(shim_path()) : std::string()), "/bin/true"},
             .environment = plan,
             .with_shim = false});
        const std::string text = read_text(trace);
        // What the loader does for the object itself comes before.
        return text.substr(text.find("munmap("));
    };
    const std::string alone = start_up(false);
    const std::string guarded = start_up(true);
    EXPECT_EQ(count_of(guarded, "fstat(2,") + count_of(guarded, "newfstatat(2,"), 1U) << guarded;
    EXPECT_EQ(count_of(guarded, "/etc/portguard.conf"), 1U) << guarded;
    EXPECT_EQ(count_of(guarded, "\n"), count_of(alone, "\n") + 2) << guarded;
}

} // namespace
} // namespace portguard::test
