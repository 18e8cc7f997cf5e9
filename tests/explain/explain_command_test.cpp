// `portguard explain`: a snapshot in a file is reported as its program would have had it.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <ucontext.h>

#include "explain/explain_fixture.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

std::string text_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Finished explain_files(const std::vector<std::string>& files) {
    ProcessSpec spec;
    spec.argv = {PORTGUARD_COMMAND, "explain"};
    spec.argv.insert(spec.argv.end(), files.begin(), files.end());
    spec.environment = {"PORTGUARD_CONFIG=/dev/null"};
    return run_process(spec);
}

class ExplainCommand : public ExplainTest {
protected:
    /// Of a call that is made here: its name is what the stack has to show.
    [[gnu::noinline]] std::string record() {
        ucontext_t context{};
        getcontext(&context);
        FailedCall call(socket, loopback(port));
        call.snapshot.config = config;
        return folder.write("snapshot", bytes_of(call, context));
    }

    TemporaryFolder folder;
    Fd socket = tcp_socket();
};

TEST_F(ExplainCommand, ReportsTheCallAndItsStack) {
    const std::string snapshot = record();
    const std::string maps = folder.write("maps", text_of("/proc/self/maps"));
    const Finished finished = explain_files({snapshot, maps});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.err, "");
    for (const char* part : {"127.0.0.1:10000", "victim", "EADDRINUSE", "ExplainCommand::record"}) {
        EXPECT_NE(finished.out.find(part), std::string::npos) << part << '\n' << finished;
    }
}

TEST_F(ExplainCommand, WithoutTheMapsSaysThatThereAreNoFrames) {
    const Finished finished = explain_files({record()});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("127.0.0.1:10000"), std::string::npos) << finished;
    EXPECT_NE(finished.out.find("the stack (/proc/PID/maps was not to be had)"), std::string::npos)
        << finished;
    EXPECT_EQ(finished.out.find("ExplainCommand::record"), std::string::npos) << finished;
}

TEST_F(ExplainCommand, SaysNothingOfWhoHoldsThePortNow) {
    const std::string snapshot = record();
    const Fd holder = listener(loopback(port));
    const Finished finished = explain_files({snapshot});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("who holds the port was not asked"), std::string::npos) << finished;
}

TEST_F(ExplainCommand, WritesJsonWhereTheSnapshotsProgramDid) {
    config.format = Format::json;
    const Finished finished = explain_files({record()});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_TRUE(finished.out.starts_with('{')) << finished;
    EXPECT_TRUE(finished.out.ends_with("}\n")) << finished;
}

TEST_F(ExplainCommand, RefusesWhatIsNoSnapshot) {
    const std::string whole = text_of(record().c_str());
    for (const std::string& bytes :
         {std::string(), std::string("text\n"), whole.substr(0, whole.size() / 2), whole.substr(1)}) {
        const std::string path = folder.write("broken", bytes);
        const Finished finished = explain_files({path});
        EXPECT_TRUE(finished.exited_with(2)) << finished;
        EXPECT_EQ(finished.out, "");
        EXPECT_EQ(finished.err, "portguard-explain: " + path + ": not a snapshot of this version\n");
    }
    const std::string nothing = folder.file("nothing");
    const Finished finished = explain_files({nothing});
    EXPECT_TRUE(finished.exited_with(2)) << finished;
    EXPECT_EQ(finished.err, "portguard-explain: " + nothing + ": cannot be opened\n");
}

TEST_F(ExplainCommand, IsInNoOverview) {
    const Finished finished = run_process({.argv = {PORTGUARD_COMMAND, "--help"}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.out.find("\n  explain"), std::string::npos) << finished;
}

} // namespace
} // namespace portguard::test
