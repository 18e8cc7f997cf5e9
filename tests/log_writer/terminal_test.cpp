// A terminal as stderr, of which somebody may have stopped the reading.
#include <csignal>

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "log_writer/standard_error.h"
#include "support/system_log.h"

namespace portguard::test {
namespace {

class TerminalLog : public SystemLogTest {
protected:
    void SetUp() override {
        SystemLogTest::SetUp();
        int master = -1;
        int slave = -1;
        ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
        master_ = Fd(master);
        slave_ = Fd(slave);
        termios settings{};
        ::tcgetattr(slave, &settings);
        // So that what is read is what was written.
        settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
        ::tcsetattr(slave, TCSANOW, &settings);
    }

    Fd master_;
    Fd slave_;
};

TEST_F(TerminalLog, a_report_is_shown_whole) {
    const std::string report = report_of(3000);
    EXPECT_EQ(write_to(slave_, report), Fate::written);
    EXPECT_EQ(drain(master_), report);
    EXPECT_EQ(::fcntl(slave_.get(), F_GETFL) & O_NONBLOCK, 0) << "the flags are the program's";
}

TEST_F(TerminalLog, one_that_was_stopped_takes_nothing_and_is_not_waited_for) {
    ASSERT_EQ(::tcflow(slave_.get(), TCOOFF), 0);
    EXPECT_EQ(in_child([&] { return static_cast<int>(write_to(slave_, report_of(500))); }),
              static_cast<int>(Fate::lost));
    ASSERT_EQ(::tcflow(slave_.get(), TCOON), 0);
    EXPECT_EQ(drain(master_), "");
    EXPECT_EQ(write_to(slave_, report_of(500)), Fate::written) << "it goes on";
}

TEST_F(TerminalLog, one_that_nobody_reads_fills_and_is_not_waited_for) {
    const auto write_many = [&] {
        int written = 0;
        for (int report = 0; report < 200; ++report) {
            written += write_to(slave_, report_of(2000)) == Fate::written ? 1 : 0;
        }
        return written;
    };
    const int written = in_child(write_many);
    EXPECT_GT(written, 0) << "it ends, and its buffer took some";
    EXPECT_LT(written, 200);
    const std::string text = drain(master_);
    const std::vector<std::string> torn = torn_lines(text);
    EXPECT_LE(torn.size(), 1U) << "where it was full";
    EXPECT_TRUE(torn.empty() || text.ends_with(torn[0]));
    EXPECT_GE(text.size(), 2000 * static_cast<std::size_t>(written));
}

/// In a child whose /proc is empty; with the terminal for its own if `controlling`.
int write_without_proc(const Fd& slave, bool controlling) {
    return in_child([&] {
        hide_proc();
        ::setsid();
        if (controlling && ::ioctl(slave.get(), TIOCSCTTY, 0) != 0) {
            return 126;
        }
        return static_cast<int>(write_to(slave, report_of(500)));
    });
}

TEST_F(TerminalLog, one_that_cannot_be_opened_anew_is_written_to_by_its_other_name) {
    EXPECT_EQ(write_without_proc(slave_, true), static_cast<int>(Fate::written));
    EXPECT_EQ(drain(master_), report_of(500));
}

TEST_F(TerminalLog, one_that_cannot_be_opened_at_all_is_not_written_to) {
    EXPECT_EQ(write_without_proc(slave_, false), static_cast<int>(Fate::lost));
    EXPECT_EQ(drain(master_), "");
}

TEST_F(TerminalLog, one_that_has_gone_is_a_loss) {
    master_.reset();
    EXPECT_EQ(write_to(slave_, report_of(100)), Fate::lost);
}

} // namespace
} // namespace portguard::test
