// Who has the name of a unix socket, by real ones.
#include "kernel/unix_sockets.h"

#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include "explain/unix_case.h"
#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

Fd unix_socket(int type = SOCK_STREAM) {
    return Fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
}

Outcome bind_to_name(const Fd& socket, const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    return outcome_of(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length));
}

Fd bound_to(const std::string& name, int type = SOCK_STREAM) {
    Fd socket = unix_socket(type);
    EXPECT_EQ(bind_to_name(socket, name), success);
    return socket;
}

Fd listening_on(const std::string& name) {
    Fd socket = bound_to(name);
    EXPECT_EQ(outcome_of(::listen(socket.get(), 8)), success);
    return socket;
}

UnixLook look_at(const std::string& name) {
    HolderOptions options;
    options.budget = std::chrono::seconds(10);
    return look_at_unix_name(name, options);
}

class UnixName : public PrivateNetTest {
protected:
    TemporaryFolder folder;
    std::string path = folder.file("s");
};

TEST_F(UnixName, OfAListenerIsItsProcesss) {
    const Fd server = listening_on(path);
    const UnixLook look = look_at(path);
    ASSERT_EQ(look.report.holders.size(), 1U);
    EXPECT_EQ(case_of(look), UnixCase::listener);
    EXPECT_EQ(look.is_bound, true);
    EXPECT_EQ(look.report.holders[0].unix_name, path);
    ASSERT_EQ(look.report.holders[0].owners.size(), 1U);
    EXPECT_EQ(look.report.process_of(look.report.holders[0].owners[0]).pid, ::getpid());
}

TEST_F(UnixName, IsFoundByAnotherPathToTheSameFile) {
    const Fd server = listening_on(path);
    std::filesystem::create_directory(folder.file("d"));
    EXPECT_EQ(case_of(look_at(folder.file("d/../s"))), UnixCase::listener);
}

TEST_F(UnixName, NoListenerNoticesThatItWasAskedAbout) {
    const Fd server = listening_on(path);
    static_cast<void>(look_at(path));
    pollfd entry{server.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&entry, 1, 0), 0) << "a connection came";
}

TEST_F(UnixName, WithoutASocketIsStale) {
    { const Fd server = listening_on(path); }
    const UnixLook look = look_at(path);
    EXPECT_EQ(case_of(look), UnixCase::stale);
    EXPECT_EQ(removal(look, path, Removal::plain), "rm " + path);
}

TEST_F(UnixName, IsStaleAlsoWhereAConnectionThatItsListenerAcceptedLives) {
    Fd server = listening_on(path);
    const Fd client = unix_socket();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const Fd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_EQ(look_at(path).report.holders.size(), 1U) << "what it accepted is not in the way";
    server.reset();
    EXPECT_EQ(case_of(look_at(path)), UnixCase::stale);
}

TEST_F(UnixName, OfDatagramsIsBound) {
    const Fd server = bound_to(path, SOCK_DGRAM);
    EXPECT_EQ(case_of(look_at(path)), UnixCase::bound);
    EXPECT_EQ(case_of(look_at(path)), UnixCase::bound) << "the look has changed it";
}

TEST_F(UnixName, InAnotherNetworkNamespaceIsBoundAndNotStale) {
    const Fd server = listening_on(path);
    const auto seen = static_cast<UnixCase>(result_in_child(
        [&] { return ::unshare(CLONE_NEWNET) == 0 ? static_cast<int>(case_of(look_at(path))) : -1; }));
    EXPECT_EQ(seen, UnixCase::bound);
}

TEST_F(UnixName, OfSomethingElseIsNotASocketAndIsNeverRemoved) {
    const std::string file = folder.write("file", "data");
    std::filesystem::create_symlink("nowhere", folder.file("link"));
    for (const std::string& name : {file, folder.path().string(), folder.file("link")}) {
        const UnixLook look = look_at(name);
        EXPECT_EQ(case_of(look), UnixCase::not_a_socket) << name;
        EXPECT_EQ(removal(look, name, Removal::plain), "") << name;
    }
    EXPECT_NE(unix_sentence(look_at(folder.file("link")), "link").find("a symbolic link"), std::string::npos);
}

TEST_F(UnixName, ThatIsGoneHasVanished) {
    EXPECT_EQ(case_of(look_at(path)), UnixCase::vanished);
}

TEST_F(UnixName, ThatIsAbstractHasNoFile) {
    const std::string name("\0portguard-test", 15);
    EXPECT_EQ(case_of(look_at(name)), UnixCase::vanished);
    const Fd server = listening_on(name);
    const UnixLook look = look_at(name);
    EXPECT_EQ(case_of(look), UnixCase::listener);
    EXPECT_EQ(removal(look, "", Removal::plain), "");
    EXPECT_EQ(shown_unix_name(look.report.holders.at(0).unix_name), "@portguard-test");
}

TEST_F(UnixName, ThatNeedsQuotesIsQuotedAndWhatATerminalWouldActOnIsNotPrinted) {
    const std::string spaced = folder.file("a b");
    { const Fd server = listening_on(spaced); }
    EXPECT_EQ(removal(look_at(spaced), spaced, Removal::plain), "rm '" + spaced + "'");
    const std::string evil = folder.file("a\x1b]0;b");
    { const Fd server = listening_on(evil); }
    EXPECT_EQ(removal(look_at(evil), evil, Removal::plain), "");
}

TEST_F(UnixName, InAFolderThatIsNotOursTakesRootToRemove) {
    { const Fd server = listening_on(path); }
    const int answer = result_in_child([&] {
        become_user(65534);
        return look_at(path).removal_needs_root ? 0 : 1;
    });
    EXPECT_EQ(answer, 0);
}

} // namespace
} // namespace portguard::test
