// `portguard ci` shows where in its code each side of a conflict took the port, also of a process that has
// ended.
#include <algorithm>
#include <fstream>
#include <string>

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "support/private_net.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using nlohmann::json;

/// One ephemeral port, so that whoever asks the kernel for one is given that.
class BothStacks : public PrivateNetTest {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (!IsSkipped()) {
            set_ephemeral_range(40000, 40000);
        }
    }

    /// The event of the bind to port 40000 that ends `script`, in which $P is the program.
    json conflict(const std::string& script, const Words& options = {}) const {
        Words words{"ci", "--json", "--budget-ms=10000"};
        words.insert(words.end(), options.begin(), options.end());
        const std::string program = PORTGUARD_BOTH_SIDES_PROGRAM;
        // `started`: in the background, until it says that it is ready.
        const std::string prelude = "P=" + program + "; cd " + folder_.path().string() +
                                    "; started() { \"$@\" >said & STARTED=$!; " +
                                    "until grep -q ready said; do sleep 0.02; done; rm said; }\n";
        words.insert(words.end(), {"--", "sh", "-c",
                                   prelude + script + "\n$P serve 40000; kill $(jobs -p) 2>kills; true"});
        const Finished finished = portguard(words);
        EXPECT_TRUE(finished.exited_with(0)) << finished;
        const json answer = json::parse(finished.out, nullptr, false);
        EXPECT_EQ(violation(schema_of("ci"), answer), "") << finished;
        for (const json& failure : answer.value("failures", json::array())) {
            json event = failure["first_event"];
            if (event["event"] == "in_use") {
                EXPECT_EQ(violation(json::parse(std::ifstream(PORTGUARD_EVENT_SCHEMA)), event), "")
                    << event.dump(1);
                return event;
            }
        }
        ADD_FAILURE() << "nothing failed\n" << finished;
        return json::parse(
            R"({"cause": "", "picked": null, "holders": [{"taken": null, "owners": [], "state": ""}]})");
    }

    TemporaryFolder folder_;
};

bool has_frame(const json& call, const std::string& symbol) {
    return call.is_object() && std::any_of(call["stack"].begin(), call["stack"].end(),
                                           [&](const json& frame) { return frame["symbol"] == symbol; });
}

constexpr const char* a_server = "started $P serve-stay 9000\n";

TEST_F(BothStacks, a_port_that_was_picked_released_and_given_to_a_client_is_a_cause_with_both_stacks) {
    const json event = conflict(std::string(a_server) + "$P pick 0\nstarted $P connect-stay 9000");
    EXPECT_EQ(event["cause"], "picked_and_released") << event.dump(1);
    EXPECT_TRUE(has_frame(event["picked"], "pick_a_port")) << event["picked"].dump(1);
    EXPECT_EQ(event["picked"]["ended"], true);
    EXPECT_EQ(event["picked"]["kernel_chose"], true);
    const json& taken = event["holders"][0]["taken"];
    EXPECT_TRUE(has_frame(taken, "connect_to_server")) << event["holders"].dump(1);
    EXPECT_FALSE(has_frame(taken, "pick_a_port"));
    EXPECT_EQ(taken["ended"], false);
    EXPECT_EQ(taken["argv"][1], "connect-stay");
    EXPECT_LT(taken["age_s"], event["picked"]["age_s"]);
}

TEST_F(BothStacks, the_listener_that_has_the_port_is_shown_where_it_was_bound) {
    const json event = conflict("started $P serve-stay 40000");
    EXPECT_EQ(event["cause"], "listener_same_program");
    EXPECT_TRUE(event["picked"].is_null()) << event["picked"];
    EXPECT_TRUE(has_frame(event["holders"][0]["taken"], "serve_on")) << event["holders"].dump(1);
    EXPECT_EQ(event["holders"][0]["taken"]["call"], "bind");
}

TEST_F(BothStacks, of_time_wait_the_client_that_has_ended_is_named) {
    // The client closes first, and so its own port is left in TIME_WAIT.
    const json event = conflict("started $P serve-one-closed-by-peer 9000; $P connect 9000; wait $STARTED");
    const json& holder = event["holders"][0];
    EXPECT_EQ(event["cause"], "outgoing_time_wait") << event.dump(1);
    EXPECT_EQ(holder["state"], "TIME_WAIT");
    EXPECT_TRUE(holder["owners"].empty());
    EXPECT_TRUE(has_frame(holder["taken"], "connect_to_server")) << event["holders"].dump(1);
    EXPECT_EQ(holder["taken"]["ended"], true);
    EXPECT_EQ(holder["taken"]["of_listener"], false);
}

TEST_F(BothStacks, of_an_accepted_connection_the_listener_is_shown_and_is_not_called_its_opener) {
    set_ephemeral_range(41000, 41000);
    const json event = conflict("started $P serve-one 40000; $P connect-closed-by-peer 40000; wait $STARTED");
    const json& holder = event["holders"][0];
    EXPECT_EQ(holder["state"], "TIME_WAIT") << event.dump(1);
    EXPECT_EQ(holder["taken"]["of_listener"], true) << event.dump(1);
    EXPECT_EQ(holder["taken"]["call"], "listen");
    EXPECT_TRUE(has_frame(holder["taken"], "serve_on"));
    EXPECT_TRUE(event["picked"].is_null());
}

TEST_F(BothStacks, a_pick_whose_socket_is_still_open_was_not_released) {
    const json event = conflict("started $P serve-stay 0");
    EXPECT_NE(event["cause"], "picked_and_released") << event.dump(1);
    EXPECT_TRUE(event["picked"].is_null()) << event["picked"].dump(1);
    EXPECT_EQ(event["holders"][0]["taken"]["kernel_chose"], true);
}

/// Of the last line of a program that has picked the port and closed it.
std::string cause_in_one_process(const std::string& taking) {
    const Finished finished = portguard(
        {"ci", "--json", "--budget-ms=10000", "--", "python3", "-c",
         "import socket\ndef at(port):\n s = socket.socket(); s.bind(('127.0.0.1', port)); return s\n"
         "at(0).close()\n" +
             taking + "\ntry: at(40000)\nexcept OSError: pass"});
    const json answer = json::parse(finished.out, nullptr, false);
    for (const json& failure : answer.value("failures", json::array())) {
        if (failure["first_event"]["event"] == "in_use") {
            return failure["first_event"]["cause"];
        }
    }
    return "nothing failed: " + finished.err;
}

TEST_F(BothStacks, a_pick_may_be_lost_to_another_pick_of_the_same_process) {
    EXPECT_EQ(cause_in_one_process("other = at(0)"), "picked_and_released");
}

TEST_F(BothStacks, a_pick_that_is_used_and_bound_again_was_not_lost) {
    EXPECT_EQ(cause_in_one_process("own = at(40000)"), "self");
}

TEST_F(BothStacks, without_remember_nothing_of_it_is_known) {
    const json event =
        conflict(std::string(a_server) + "$P pick 0\nstarted $P connect-stay 9000", {"--remember=off"});
    EXPECT_EQ(event["cause"], "outgoing_connection");
    EXPECT_TRUE(event["picked"].is_null());
    EXPECT_TRUE(event["holders"][0]["taken"].is_null());
}

/// A port is picked, let go, given to a client, and asked for.
std::string lost_pick(const TemporaryFolder& folder) {
    return std::string("P=") + PORTGUARD_BOTH_SIDES_PROGRAM + "; cd " + folder.path().string() +
           "; $P serve-stay 9000 >one & until grep -q ready one; do sleep 0.02; done; $P pick 0; "
           "$P connect-stay 9000 >two & until grep -q ready two; do sleep 0.02; done; "
           "$P serve 40000; kill $(jobs -p); true";
}

TEST_F(BothStacks, are_in_the_report_of_a_run) {
    const Finished finished = portguard({"ci", "--budget-ms=10000", "--", "sh", "-c", lost_pick(folder_)});
    for (const char* const part :
         {"was picked by portguard_program_both_sides[", "  picked   bind in portguard_program_both_sides[",
          "] (ended), ", "pick_a_port", "  taken    connect in ", "connect_to_server",
          "  stack    serve_on"}) {
        EXPECT_NE(finished.err.find(part), std::string::npos) << part << " is not in\n" << finished;
    }
}

TEST_F(BothStacks, are_in_the_report_that_a_program_prints) {
    const Finished finished =
        portguard({"run", "--mode=observe", "--budget-ms=10000", "--remember=file:" + folder_.file("ring"),
                   "--", "sh", "-c", lost_pick(folder_)});
    for (const char* const part :
         {"  picked   bind in ", "pick_a_port", "  taken    connect in ", "connect_to_server"}) {
        EXPECT_NE(finished.err.find(part), std::string::npos) << part << " is not in\n" << finished;
    }
}

TEST_F(BothStacks, what_a_run_remembers_goes_with_it) {
    const Finished finished = portguard({"ci", "--", "sh", "-c", "echo $PORTGUARD_REMEMBER"});
    ASSERT_TRUE(finished.out.starts_with("file:/")) << finished;
    const std::string path = finished.out.substr(5, finished.out.size() - 6);
    struct stat status {};
    EXPECT_NE(::stat(path.substr(0, path.rfind('/')).c_str(), &status), 0) << path;
}

} // namespace
} // namespace portguard::test
