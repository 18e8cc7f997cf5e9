// What a program's user is told where portguard-explain is missing, or slow to end.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class Helper : public PrivateNetTest {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        std::filesystem::copy_file(shim_path(), library_);
    }

    TemporaryFolder folder_;
    std::string library_ = folder_.file("libportguard.so");
};

TEST_F(Helper, where_it_is_missing_the_line_says_so_once_and_stays) {
    const Played played{
        run({.argv = {victim("socket_script"), "a = tcp4; bind a *:20000; bind a *:20001; bind a *:20002"},
             .environment = plan,
             .shim = library_})};
    EXPECT_EQ(count_of(played.result.err, "refused (EACCES): outside listen=10000-19999"), 3U)
        << played.result;
    EXPECT_EQ(
        count_of(played.result.err, "one line only, said once: portguard-explain is not beside the library"),
        1U)
        << played.result;
    EXPECT_EQ(count_of(played.result.err, "\n"), 3U) << played.result;
}

TEST_F(Helper, that_has_told_and_does_not_end_in_time_is_believed) {
    const std::string helper = folder_.file("portguard-explain");
    const std::string real = std::filesystem::path(shim_path()).parent_path() / "portguard-explain";
    std::ofstream(helper) << "#!/bin/sh\n" << real << "\nexec sleep 60\n";
    std::filesystem::permissions(helper, std::filesystem::perms(0755));
    const Played played{run({.argv = {victim("socket_script"), "a = tcp4; bind a *:20000"},
                             .environment = plan_with({"PORTGUARD_BUDGET_MS=8000"}),
                             .shim = library_})};
    EXPECT_EQ(played.said("bind a *:20000"), "EACCES") << played.result;
    EXPECT_EQ(count_of(played.result.err, "refused (EACCES): outside listen=10000-19999"), 1U)
        << played.result;
    EXPECT_EQ(count_of(played.result.err, "one line only"), 0U) << played.result;
}

TEST_F(Helper, where_it_is_missing_a_line_of_json_is_one_and_says_so) {
    const Played played{run({.argv = {victim("socket_script"), "a = tcp4; bind a *:20000; bind a *:20001"},
                             .environment = plan_with({"PORTGUARD_FORMAT=json"}),
                             .shim = library_})};
    EXPECT_EQ(count_of(played.result.err, R"({"schema":1,)"), 2U) << played.result;
    EXPECT_EQ(count_of(played.result.err, "would have asked (portguard-explain is not beside the library"),
              2U)
        << played.result;
    EXPECT_EQ(count_of(played.result.err, "\n"), 2U) << played.result;
}

} // namespace
} // namespace portguard::test
