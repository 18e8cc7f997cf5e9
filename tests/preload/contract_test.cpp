// A program notices nothing of us (design 3.6): each script says the same without the shim, and with it in
// every configuration that changes nothing.
#include <algorithm>
#include <iterator>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

#include "preload/contract_cases.h"
#include "preload/run_victim.h"
#include "support/private_net.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

constexpr const char* remembered = "/tmp/portguard-contract.ring";

struct Setting {
    const char* name;
    std::vector<std::string> environment;
    /// Cases that this setting changes on purpose.
    std::vector<Touches> changes;
    /// Nothing is told where nothing fails.
    bool is_silent_on_success = true;
    /// Not the shim by itself, but `portguard run --front-end=...`.
    const char* front_end = nullptr;
};

void PrintTo(const Setting& setting, std::ostream* stream) {
    *stream << setting.name;
}

/// One network a case: TIME_WAIT of one must not reach another.
Finished run_in_own_network(std::size_t index, const Setting* setting) {
    const PrivateNet net;
    EXPECT_EQ(net.unavailable(), "");
    std::vector<std::string> argv{victim("socket_script"), script_of(index)};
    const bool by_command = setting != nullptr && setting->front_end != nullptr;
    if (by_command) {
        argv.insert(argv.begin(),
                    {PORTGUARD_COMMAND, "run", std::string("--front-end=") + setting->front_end, "--"});
    }
    return run({.argv = argv,
                .environment = setting == nullptr ? std::vector<std::string>{} : setting->environment,
                .with_shim = setting != nullptr && !by_command});
}

bool has_a_failure_to_tell(const std::string& out) {
    constexpr const char* told[] = {"EADDRINUSE", "EADDRNOTAVAIL", "EACCES",
                                    "EINVAL",     "EAFNOSUPPORT",  "ENODEV"};
    return std::any_of(std::begin(told), std::end(told),
                       [&out](const char* error) { return out.find(error) != std::string::npos; });
}

class Contract : public testing::TestWithParam<Setting> {
protected:
    void SetUp() override {
        const PrivateNet net;
        if (!net.unavailable().empty()) {
            PORTGUARD_SKIP(net.unavailable());
        }
    }

    void TearDown() override { ::unlink(remembered); }

    [[nodiscard]] static bool is_changed_on_purpose(const ContractCase& one) {
        for (const Touches change : GetParam().changes) {
            if (change == one.touches) {
                return true;
            }
        }
        return false;
    }
};

TEST_P(Contract, every_result_and_errno_is_that_of_the_program_alone) {
    for (std::size_t index = 0; index < contract_cases().size(); ++index) {
        const ContractCase& one = contract_cases()[index];
        if (is_changed_on_purpose(one)) {
            continue;
        }
        const Finished alone = run_in_own_network(index, nullptr);
        const Finished guarded = run_in_own_network(index, &GetParam());
        EXPECT_TRUE(alone.exited_with(0)) << one.name << '\n' << alone;
        EXPECT_TRUE(guarded.exited_with(0)) << one.name << '\n' << guarded;
        EXPECT_EQ(alone.out, guarded.out) << one.name << '\n' << guarded.err;
        EXPECT_EQ(alone.out.find("errno is now"), std::string::npos) << one.name;
        EXPECT_EQ(alone.out.find('?'), std::string::npos) << one.name << ": a word that the victim lacks";
        if (GetParam().is_silent_on_success &&
            (one.touches == Touches::nothing || one.touches == Touches::chosen_off) &&
            !has_a_failure_to_tell(guarded.out)) {
            EXPECT_EQ(guarded.err, "") << one.name;
        }
    }
}

const std::vector<Touches> nothing_changes{};

std::string name_of(const testing::TestParamInfo<Setting>& setting) {
    return setting.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Settings, Contract,
    testing::Values(
        Setting{"no_plan", {}, {Touches::cure}},
        Setting{"no_plan_one_line", {"PORTGUARD_DIAGNOSIS=line"}, {Touches::cure}},
        Setting{"observe_without_a_plan", {"PORTGUARD_MODE=observe"}, nothing_changes},
        Setting{"observe_a_plan_that_refuses_all",
                {"PORTGUARD_MODE=observe", "PORTGUARD_LISTEN=2", "PORTGUARD_EPHEMERAL=64000-64001"},
                nothing_changes,
                false},
        Setting{
            "observe_a_plan_that_allows_all",
            {"PORTGUARD_MODE=observe", "PORTGUARD_LISTEN=1-30000,65535", "PORTGUARD_EPHEMERAL=30001-60000"},
            nothing_changes,
            false},
        Setting{"observe_and_remember",
                {"PORTGUARD_MODE=observe", std::string("PORTGUARD_REMEMBER=file:") + remembered},
                nothing_changes},
        Setting{"off",
                {"PORTGUARD_MODE=off", "PORTGUARD_LISTEN=2", "PORTGUARD_EPHEMERAL=64000-64001"},
                nothing_changes},
        Setting{"only_another_program", {"PORTGUARD_ONLY=nginx", "PORTGUARD_LISTEN=2"}, nothing_changes},
        Setting{"enforce_a_plan_that_fits_the_host",
                {"PORTGUARD_LISTEN=1-32767,61000-65535", "PORTGUARD_REUSEADDR=off"},
                {Touches::unmapped_page, Touches::cure, Touches::ephemeral_port}}),
    name_of);

// The command is not built with a sanitizer.
#if !defined(PORTGUARD_SANITIZED)
INSTANTIATE_TEST_SUITE_P(
    Supervised, Contract,
    testing::Values(
        Setting{"supervised_no_plan", {}, {Touches::cure, Touches::chosen_off}, true, "supervisor"},
        Setting{"supervised_observe_a_plan_that_refuses_all",
                {"PORTGUARD_MODE=observe", "PORTGUARD_LISTEN=2", "PORTGUARD_EPHEMERAL=64000-64001"},
                nothing_changes,
                false,
                "supervisor"},
        Setting{"supervised_enforce_a_plan_that_fits_the_host",
                {"PORTGUARD_LISTEN=1-32767,61000-65535", "PORTGUARD_REUSEADDR=off"},
                {Touches::cure, Touches::ephemeral_port},
                true,
                "supervisor"},
        Setting{"supervised_every_socket_made_by_the_supervisor",
                {"PORTGUARD_LISTEN=1-32767,61000-65535", "PORTGUARD_REUSEADDR=off",
                 "PORTGUARD_EPHEMERAL=32768-60000"},
                {Touches::cure, Touches::ephemeral_port},
                true,
                "supervisor"},
        Setting{"both_no_plan", {}, {Touches::cure}, true, "both"},
        Setting{"both_observe_a_plan_that_refuses_all",
                {"PORTGUARD_MODE=observe", "PORTGUARD_LISTEN=2", "PORTGUARD_EPHEMERAL=64000-64001"},
                nothing_changes,
                false,
                "both"},
        Setting{"both_every_socket_in_a_range",
                {"PORTGUARD_LISTEN=1-32767,61000-65535", "PORTGUARD_REUSEADDR=off",
                 "PORTGUARD_EPHEMERAL=32768-60000"},
                {Touches::unmapped_page, Touches::cure, Touches::ephemeral_port},
                true,
                "both"}),
    name_of);
#endif

} // namespace
} // namespace portguard::test
