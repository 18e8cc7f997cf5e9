// A pipe as stderr, and a FIFO as a log: whole or not at all, and without waiting for the reader.
#include <climits>
#include <csignal>
#include <cstddef>
#include <thread>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_writer/standard_error.h"
#include "support/system_log.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

constexpr std::size_t page = 4096;

class PipeLog : public SystemLogTest {
protected:
    void SetUp() override {
        SystemLogTest::SetUp();
        ::signal(SIGPIPE, SIG_IGN);
    }

    /// Full, with `pages` of it read again.
    void leave_free(std::size_t pages) {
        fill(pipe_.writer, std::string(page, 'f'));
        std::string taken(pages * page, '\0');
        ASSERT_EQ(::read(pipe_.reader.get(), taken.data(), taken.size()), static_cast<ssize_t>(taken.size()));
    }
    /// What was written after what filled the pipe.
    std::string written() {
        std::string text = drain(pipe_.reader);
        return text.substr(std::min(text.find_first_not_of('f'), text.size()));
    }

    Pipe pipe_ = make_pipe();
};

TEST_F(PipeLog, an_empty_pipe_takes_a_report_that_is_longer_than_PIPE_BUF_in_one_piece) {
    const std::string report = report_of(5 * page + 100);
    EXPECT_EQ(write_to(pipe_.writer, report), Fate::written);
    EXPECT_EQ(written(), report);
    EXPECT_EQ(::fcntl(pipe_.writer.get(), F_GETFL) & O_NONBLOCK, 0) << "the flags are the program's";
}

TEST_F(PipeLog, a_full_pipe_takes_nothing_and_the_event_is_lost) {
    leave_free(0);
    EXPECT_EQ(in_child([&] { return static_cast<int>(write_to(pipe_.writer, report_of(200))); }),
              static_cast<int>(Fate::lost));
    EXPECT_EQ(written(), "");
}

TEST_F(PipeLog, what_a_full_pipe_does_not_take_goes_to_the_journal_with_the_reason) {
    log().start_journal();
    leave_free(0);
    EXPECT_EQ(write_to(pipe_.writer, "the event\n"), Fate::written);
    const std::vector<std::string> entries = log().journal();
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(journal_field(entries[0], "MESSAGE"),
              "portguard: log=stderr could not be written (EAGAIN); reported here");
    EXPECT_EQ(journal_field(entries[1], "MESSAGE"), "the event");
}

TEST_F(PipeLog, where_one_page_is_free_a_long_text_is_cut_to_whole_lines_and_says_so) {
    leave_free(1);
    const std::string report = report_of(3 * page);
    EXPECT_EQ(write_to(pipe_.writer, report), Fate::written);
    const std::string text = written();
    const std::string note = "portguard: the rest of this report did not fit into the pipe\n";
    ASSERT_TRUE(text.ends_with(note)) << text;
    const std::string lines = text.substr(0, text.size() - note.size());
    EXPECT_GT(lines.size(), page - 200);
    EXPECT_TRUE(report.starts_with(lines));
    EXPECT_EQ(torn_lines(lines), std::vector<std::string>{});
}

TEST_F(PipeLog, where_one_page_is_free_a_line_that_is_longer_is_lost_and_not_torn) {
    leave_free(1);
    EXPECT_EQ(write_to(pipe_.writer, std::string(2 * page, 'j') + "\n"), Fate::lost);
    EXPECT_EQ(written(), "");
    EXPECT_EQ(write_to(pipe_.writer, std::string(2 * page, 'j') + "\n"), Fate::written) << "it is read again";
}

TEST_F(PipeLog, however_a_pipe_was_filled_no_report_is_torn) {
    for (const std::size_t unit : {std::size_t{1}, std::size_t{2100}, page, page + 1}) {
        for (const std::size_t left : {std::size_t{0}, page, 5 * page, 9 * page, 12 * page}) {
            pipe_ = make_pipe();
            fill(pipe_.writer, std::string(unit, 'f'));
            std::string taken(left, '\0');
            ASSERT_GE(::read(pipe_.reader.get(), taken.data(), taken.size()), 0);
            const std::string report = report_of(2 * page);
            EXPECT_NE(in_child([&] { return static_cast<int>(write_to(pipe_.writer, report)); }), -1);
            const std::string text = written();
            const std::string lines = text.substr(0, text.find("portguard: the rest"));
            EXPECT_EQ(torn_lines(lines), std::vector<std::string>{})
                << unit << " bytes a write, " << left << " read";
        }
    }
}

TEST_F(PipeLog, writers_that_share_a_pipe_with_a_slow_reader_keep_their_lines_whole) {
    constexpr int writers = 4;
    for (int writer = 0; writer < writers; ++writer) {
        if (::fork() == 0) {
            for (int report = 0; report < 200; ++report) {
                static_cast<void>(
                    write_to(pipe_.writer, report_of(1000 + 700 * static_cast<std::size_t>(report % 12))));
            }
            ::_exit(0);
        }
    }
    pipe_.writer.reset();
    std::string text;
    std::string piece(3000, '\0');
    for (ssize_t count = 1; count > 0;) {
        count = ::read(pipe_.reader.get(), piece.data(), piece.size());
        text.append(piece, 0, count > 0 ? static_cast<std::size_t>(count) : 0);
        std::this_thread::yield();
    }
    for (int writer = 0; writer < writers; ++writer) {
        ::wait(nullptr);
    }
    std::vector<std::string> torn = torn_lines(text);
    std::erase_if(torn, [](const std::string& line) { return line.starts_with("portguard: the rest"); });
    EXPECT_GT(text.size(), 10 * page);
    EXPECT_EQ(torn, std::vector<std::string>{});
}

/// As a sandbox that answers EPERM.
void forbid(std::initializer_list<long> calls) {
    std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const long call : calls) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        ::_exit(126);
    }
}

TEST_F(PipeLog, a_pipe_that_cannot_be_opened_anew_is_written_to_and_not_waited_for) {
    const auto write_without_proc = [&] {
        return in_child([&] {
            hide_proc();
            return static_cast<int>(write_to(pipe_.writer, report_of(2 * page)));
        });
    };
    EXPECT_EQ(write_without_proc(), static_cast<int>(Fate::written));
    const std::string text = written();
    EXPECT_EQ(torn_lines(text.substr(0, text.find("portguard: the rest"))), std::vector<std::string>{});
    EXPECT_GT(text.size(), page / 2);
    leave_free(0);
    EXPECT_EQ(write_without_proc(), static_cast<int>(Fate::lost));
    EXPECT_EQ(written(), "");
}

TEST_F(PipeLog, before_Linux_6_4_one_that_cannot_be_opened_anew_is_asked_for_room) {
    const auto write_as_before = [&](std::size_t size) {
        return in_child([&, size] {
            hide_proc();
            forbid({SYS_pwritev2});
            return static_cast<int>(write_to(pipe_.writer, report_of(size)));
        });
    };
    EXPECT_EQ(write_as_before(3 * page), static_cast<int>(Fate::written));
    EXPECT_EQ(written(), report_of(3 * page));
    leave_free(1);
    EXPECT_EQ(write_as_before(3 * page), static_cast<int>(Fate::written)) << "cut";
    EXPECT_TRUE(written().ends_with("did not fit into the pipe\n"));
    leave_free(0);
    EXPECT_EQ(write_as_before(500), static_cast<int>(Fate::lost));
    EXPECT_EQ(written(), "");
}

TEST_F(PipeLog, a_sandbox_without_ppoll_leaves_a_pipe_that_can_be_opened_anew) {
    const auto write_in_sandbox = [&](std::size_t size) {
        return in_child([&, size] {
            forbid({SYS_ppoll, SYS_poll, SYS_pwritev2});
            return static_cast<int>(write_to(pipe_.writer, report_of(size)));
        });
    };
    EXPECT_EQ(write_in_sandbox(500), static_cast<int>(Fate::written));
    EXPECT_EQ(written(), report_of(500));
    leave_free(0);
    EXPECT_EQ(write_in_sandbox(500), static_cast<int>(Fate::lost));
}

TEST_F(PipeLog, a_pipe_without_a_reader_is_a_loss_and_no_signal) {
    pipe_.reader.reset();
    EXPECT_EQ(write_to(pipe_.writer, report_of(100)), Fate::lost);
}

TEST_F(PipeLog, a_FIFO_without_a_reader_as_log_is_not_waited_for_and_the_journal_gets_the_event) {
    log().start_journal();
    const TemporaryFolder folder;
    const std::string path = folder.file("fifo");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(write_report(config_of("file:" + path), "the event\n"), Fate::written);
    const std::vector<std::string> entries = log().journal();
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(journal_field(entries[0], "MESSAGE"),
              "portguard: log=file:" + path + " could not be opened (ENXIO); reported here");
}

} // namespace
} // namespace portguard::test
