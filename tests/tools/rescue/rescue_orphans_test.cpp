// `portguard rescue --orphans`: connections that their program has closed, and that the kernel keeps.
#include <cerrno>

#include <sys/socket.h>

#include "kernel/kernel_release.h"
#include "tools/common/condition.h"
#include "tools/rescue/rescue_sockets.h"
#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

using tools::Condition;
using tools::WantedSocket;

class RescueOrphans : public PortCommand, public testing::WithParamInterface<SocketState> {
protected:
    /// What an earlier server on the contested port has left.
    void leave_orphan(SocketState state) {
        WantedSocket wanted;
        wanted.state = state;
        wanted.local.endpoint = {Family::ipv4, false, contested, {127, 0, 0, 1}};
        wanted.accepted = true;
        wanted.reuseaddr = false;
        wanted.is_orphan = true;
        condition.add({&wanted, 1});
        ASSERT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});
    }

    /// Of FIN_WAIT2 only a TIME_WAIT is left.
    static bool has_to_wait(SocketState state) {
        return state != SocketState::fin_wait2 && !kernel_is_at_least(6, 12);
    }

    Condition condition;
};

INSTANTIATE_TEST_SUITE_P(Closing, RescueOrphans,
                         testing::Values(SocketState::fin_wait1, SocketState::fin_wait2, SocketState::closing,
                                         SocketState::last_ack),
                         [](const auto& tested) { return std::string(state_name(tested.param)); });

TEST_P(RescueOrphans, AreRemovedWhenToldAndThePortIsFreeForAnyBinder) {
    ASSERT_NO_FATAL_FAILURE(leave_orphan(GetParam()));
    const Finished finished = portguard({"rescue", "--orphans", "--json", "10000"});
    if (has_to_wait(GetParam())) {
        EXPECT_NE(finished.out.find("before 6.12"), std::string::npos) << finished;
        return;
    }
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(json_of(finished)["sockets"][0]["outcome"], "removed") << finished;
    EXPECT_EQ(bind_to(tcp_socket(), wildcard(contested)), success);
}

TEST_P(RescueOrphans, AreLeftAloneWithTheWayOutUnlessTold) {
    ASSERT_NO_FATAL_FAILURE(leave_orphan(GetParam()));
    const Finished finished = portguard({"rescue", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("its program has closed it"), std::string::npos) << finished;
    EXPECT_NE(finished.out.find(has_to_wait(GetParam()) ? "before 6.12" : "--orphans removes it"),
              std::string::npos)
        << finished;
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});
}

using RescueOneOrphan = RescueOrphans;
INSTANTIATE_TEST_SUITE_P(Closing, RescueOneOrphan, testing::Values(SocketState::fin_wait2),
                         [](const auto& tested) { return std::string(state_name(tested.param)); });

TEST_P(RescueOneOrphan, SaysForHowLongItWouldLast) {
    ASSERT_NO_FATAL_FAILURE(leave_orphan(GetParam()));
    const Finished finished = portguard({"rescue", "10000"});
    EXPECT_NE(finished.out.find(" s more; --orphans"), std::string::npos) << finished;
}

TEST_P(RescueOneOrphan, OfADryRunIsStillThere) {
    ASSERT_NO_FATAL_FAILURE(leave_orphan(GetParam()));
    const Finished finished = portguard({"rescue", "--orphans", "--dry-run", "--json", "10000"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(json_of(finished)["sockets"][0]["outcome"], "would_remove") << finished;
    EXPECT_EQ(bind_to(flagged(tcp_socket()), wildcard(contested)), Outcome{EADDRINUSE});
}

TEST_P(RescueOneOrphan, NeedsNetAdminAndSaysSo) {
    ASSERT_NO_FATAL_FAILURE(leave_orphan(GetParam()));
    if (!can_become_another_user()) {
        PORTGUARD_SKIP("becoming a second user needs root");
    }
    ProcessSpec spec;
    spec.before_exec = [] { become_user(65534); };
    const Finished finished = portguard({"rescue", "--orphans", "10000"}, spec);
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("removing it needs CAP_NET_ADMIN; it works as root"), std::string::npos)
        << finished;
}

TEST_F(PortCommand, AConnectionThatNoProgramAcceptedIsNoOrphanToRescue) {
    const Fd server = listener(loopback(contested));
    const Fd client = tcp_socket();
    ASSERT_EQ(connect_to(client, loopback(contested)), success);
    const Finished finished = portguard({"rescue", "--orphans", "10000"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("no process has accepted it yet"), std::string::npos) << finished;
    const Fd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(accepted.valid());
    EXPECT_EQ(::send(client.get(), "alive", 5, 0), 5);
}

TEST(NoteWhatStayed, TurnsARemovalThatTheLaterLookContradictsIntoAFailure) {
    HolderReport before;
    for (const std::uint32_t cookie : {1U, 2U}) {
        before.holders.emplace_back().socket.cookie = {cookie, 0};
    }
    HolderReport after;
    after.holders.push_back(before.holders[1]);
    std::vector<tools::RescuedSocket> rescued{{0, tools::RescueOutcome::removed, {}},
                                              {1, tools::RescueOutcome::removed, {}}};
    tools::note_what_stayed(before, after, rescued);
    EXPECT_EQ(rescued[0].outcome, tools::RescueOutcome::removed);
    EXPECT_EQ(rescued[1].outcome, tools::RescueOutcome::failed);
    EXPECT_NE(rescued[1].reason.find("still has it"), std::string::npos);
}

} // namespace
} // namespace portguard::test
