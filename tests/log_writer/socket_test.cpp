// A socket as stderr: journald's is one, inetd's another.
#include <csignal>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log_writer/standard_error.h"
#include "support/sockets.h"
#include "support/system_log.h"

namespace portguard::test {
namespace {

class SocketLog : public SystemLogTest {
protected:
    void SetUp() override {
        SystemLogTest::SetUp();
        int ends[2] = {-1, -1};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        reader_ = Fd(ends[0]);
        writer_ = Fd(ends[1]);
    }

    Fd reader_;
    Fd writer_;
};

TEST_F(SocketLog, a_unix_stream_takes_a_report_whole) {
    const std::string report = report_of(20000);
    EXPECT_TRUE(log_writer::may_hold_reports(writer_.get()));
    EXPECT_EQ(write_to(writer_, report), Fate::written);
    EXPECT_EQ(drain(reader_), report);
}

TEST_F(SocketLog, a_unix_stream_that_is_full_is_not_waited_for_and_keeps_its_lines_whole) {
    const auto write_until_lost = [&] {
        int written = 0;
        while (written < 1000 && write_to(writer_, report_of(2000)) == Fate::written) {
            ++written;
        }
        return written == 1000 ? 126 : 0;
    };
    EXPECT_EQ(in_child(write_until_lost), 0);
    EXPECT_EQ(torn_lines(drain(reader_)), std::vector<std::string>{});
}

TEST_F(SocketLog, a_unix_stream_whose_reader_has_gone_is_a_loss_and_no_signal) {
    reader_.reset();
    EXPECT_EQ(in_child([&] {
                  ::signal(SIGPIPE, SIG_DFL);
                  return static_cast<int>(write_to(writer_, report_of(100)));
              }),
              static_cast<int>(Fate::lost));
}

TEST_F(SocketLog, a_peer_in_the_network_is_never_written_to) {
    const Fd listening = listener(loopback(0));
    const Connection connection = connect_pair(listening);
    EXPECT_FALSE(log_writer::may_hold_reports(connection.server.get()));
    EXPECT_FALSE(log_writer::may_hold_reports(tcp_socket(AF_INET6).get()));
    EXPECT_FALSE(log_writer::may_hold_reports(udp_socket().get()));
}

TEST_F(SocketLog, an_event_whose_stderr_is_not_for_reports_goes_to_the_journal) {
    log().start_journal();
    const StandardError replaced(writer_);
    EXPECT_EQ(log_writer::write(config_of("stderr"), 4242, false, Level::warn, "the event\n"), Fate::written);
    EXPECT_EQ(drain(reader_), "");
    const std::vector<std::string> entries = log().journal();
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(journal_field(entries[0], "MESSAGE"),
              "portguard: log=stderr is data, a network peer or not the file of the start; reported here");
    EXPECT_EQ(journal_field(entries[1], "PRIORITY"), "4");
}

} // namespace
} // namespace portguard::test
