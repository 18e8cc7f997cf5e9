// The hazards about the call itself. rows.txt says of each one which test, or what else, answers it.
#include <gtest/gtest.h>

#include "preload/hazards/hazards.h"
#include "support/kernel_features.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

TEST_F(Hazards, H01_a_call_before_our_constructor_is_served_and_none_before_libc_s_loses_the_plan) {
    const Played played{run({.argv = {victim("early_main")}, .environment = plan})};
    EXPECT_EQ(played.said("in a constructor"), "refused") << played.result;
    EXPECT_EQ(played.said("in main"), "refused") << played.result;
}

TEST_F(Hazards, H02_an_allocator_that_calls_us_is_served) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer brings its own allocator";
    }
    const Played played{
        run({.argv = {victim("socket_script"), connected_pair(10000) + "n = tcp4; bind n *:10000; echo c s"},
             .environment = plan,
             .preloaded_before = {victim_object("calling_malloc")}})};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("bind n"), "EADDRINUSE");
    EXPECT_EQ(played.said("echo c"), "ok");
}

TEST_F(Hazards, H03_calls_in_a_signal_handler_that_interrupts_the_same_calls) {
    const Played played =
        provoke("call_in_signal_handlers", plan_with({"PORTGUARD_DIAGNOSIS=line", "PORTGUARD_LOG=none"}));
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("handler ran often"), "1");
    EXPECT_EQ(played.said("wrong answers"), "0");
}

TEST_F(Hazards, H69_another_shim_that_hooks_dlsym_does_not_send_us_back_to_ourselves) {
    if (is_sanitized) {
        GTEST_SKIP() << "an instrumented dlsym is called before the sanitizer's run-time is there";
    }
    for (const bool first : {true, false}) {
        const std::vector<std::string> other{victim_object("dlsym_shim")};
        const Played played{run(
            {.argv = {victim("socket_script"), "a = tcp4; bind a *:20000; bind a *:10000; listen a; close a"},
             .environment = plan,
             .preloaded_before = first ? other : std::vector<std::string>{},
             .preloaded_after = first ? std::vector<std::string>{} : other})};
        EXPECT_EQ(played.said("bind a *:20000"), "EACCES") << played.result;
        EXPECT_EQ(played.said("bind a *:10000"), "ok") << played.result;
        EXPECT_EQ(played.said("listen a"), "ok") << played.result;
        EXPECT_EQ(played.said("close a"), "ok") << played.result;
    }
}

TEST_F(Hazards, H10_a_thread_is_cancelled_in_connect_and_in_close) {
    if (is_sanitized) {
        GTEST_SKIP() << "GCC 12's ASan fails a check of its own when a thread is cancelled";
    }
    for (const char* name :
         {"cancel_pending_in_connect", "cancel_blocked_in_connect", "cancel_pending_in_close"}) {
        for (const Environment& environment : {plan, Environment{}}) {
            const Played played = provoke(name, environment);
            EXPECT_TRUE(played.result.exited_with(0)) << name << '\n' << played.result;
            EXPECT_EQ(played.said("cancelled"), "1") << name;
            EXPECT_EQ(played.said("cleaned up"), "1") << name;
        }
    }
}

TEST_F(Hazards, H12_a_report_needs_no_more_than_8_KiB_of_the_callers_stack) {
    if (is_sanitized) {
        GTEST_SKIP() << "instrumented frames are larger";
    }
    const std::string record = "PORTGUARD_RECORD=file:" + folder_.file("record");
    for (const Environment& setting :
         {plan, plan_with({"PORTGUARD_DIAGNOSIS=line"}),
          plan_with({"PORTGUARD_DIAGNOSIS=line", "PORTGUARD_FORMAT=json", record.c_str()})}) {
        for (const char* name : {"report_on_alternate_stack", "report_on_coroutine_stack"}) {
            const Played played = provoke(name, setting);
            EXPECT_TRUE(played.result.exited_with(0)) << name << '\n' << played.result;
            EXPECT_EQ(played.said("bind in use"), "EADDRINUSE") << name;
            EXPECT_EQ(played.said("bind refused"), "EACCES") << name;
            EXPECT_NE(played.result.err.find("refused"), std::string::npos) << played.result;
        }
    }
}

TEST_F(Hazards, H12_calls_that_succeed_take_less_than_512_bytes_of_stack) {
    if (is_sanitized) {
        GTEST_SKIP() << "instrumented frames are larger";
    }
    const Played played = provoke("measure_stack_depth");
    const Finished alone = run({.argv = {victim("hazard"), "measure_stack_depth"}, .with_shim = false});
    const int with = std::stoi(played.said("bytes"));
    const int without = std::stoi(Played{alone}.said("bytes"));
    // Where a port has to be searched for, its sequence is on the stack as well.
    EXPECT_LT(with - without, kernel_has_port_range() ? 512 : 768) << played.result;
    EXPECT_GT(with, without) << "the calls of the victim are not ours";
}

TEST_F(Hazards, H22_libc_has_one_version_of_each_intercepted_name) {
    for (const char* name : {"socket", "bind", "listen", "connect", "setsockopt", "close"}) {
        const Finished result = run(
            {.argv =
                 {"/bin/sh", "-c",
                  "nm -D --defined-only \"$(ldd /bin/sh | sed -n 's/.*libc.so.6 => \\([^ ]*\\).*/\\1/p')\" "
                  "| grep -c ' " +
                      std::string(name) + "@'"},
             .with_shim = false});
        EXPECT_EQ(result.out, "1\n") << name
                                     << ": dlsym may pick another than the program was linked against";
    }
}

TEST_F(Hazards, H23_another_shim_before_or_after_us_is_called_and_so_are_we) {
    PORTGUARD_NEEDS_PORT_RANGE();
    const std::string script = "l = tcp4; bind l *:10000; listen l; get l reuseaddr; c = tcp4; connect c @l; "
                               "n = tcp4; bind n *:20000";
    for (const bool before : {true, false}) {
        test::Run both{.argv = {victim("socket_script"), script}, .environment = plan};
        (before ? both.preloaded_before : both.preloaded_after).push_back(victim_object("other_shim"));
        const Played played{run(both)};
        EXPECT_EQ(played.said("get l"), "1") << played.result;
        EXPECT_EQ(played.said("bind n"), "EACCES") << played.result;
        EXPECT_EQ(count_of(played.result.out, "other bind"), before ? 2U : 1U) << played.result;
        EXPECT_EQ(count_of(played.result.out, "other connect"), 1U) << played.result;
        const PrivateNet next;
    }
}

TEST_F(Hazards, H37_where_RTLD_NEXT_finds_nothing_the_system_call_serves) {
    if (is_sanitized) {
        GTEST_SKIP() << "a sanitizer's run-time needs dlsym itself";
    }
    const Played played{
        run({.argv = {victim("socket_script"),
                      connected_pair(10000) +
                          "set c nodelay 1; echo c s; close c; close c; n = tcp4; bind n *:20000"},
             .environment = plan,
             .preloaded_before = {victim_object("no_next")}})};
    EXPECT_TRUE(played.result.exited_with(0)) << played.result;
    EXPECT_EQ(played.said("echo c"), "ok");
    EXPECT_EQ(played.said("close c", 0), "ok");
    EXPECT_EQ(played.said("close c", 1), "EBADF");
    EXPECT_EQ(played.said("bind n"), "EACCES");
}

TEST_F(Hazards, H49_a_cancellation_that_is_pending_does_not_strike_in_a_failing_bind) {
    const Played played = provoke("cancel_pending_in_failed_bind");
    EXPECT_EQ(played.said("bind with a cancellation pending"), "EADDRINUSE") << played.result;
    EXPECT_EQ(played.said("cancelled"), "1");
    EXPECT_NE(played.result.err.find("in use"), std::string::npos) << played.result;
}

} // namespace
} // namespace portguard::test
