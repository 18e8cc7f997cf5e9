// A file as stderr, or as the log: no line is torn where the disk, or what the process may write, is at its
// end.
#include <csignal>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_writer/standard_error.h"
#include "support/system_log.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

class FileLog : public SystemLogTest {
protected:
    Fd open_file(int flags) {
        return Fd(::open(folder_.file("file").c_str(), O_CREAT | O_CLOEXEC | flags, 0600));
    }
    [[nodiscard]] std::string content(const char* name) const {
        return drain(Fd(::open(folder_.file(name).c_str(), O_RDONLY | O_CLOEXEC)));
    }

    TemporaryFolder folder_;
};

TEST_F(FileLog, a_data_file_is_never_written_to_and_one_that_is_appended_to_is) {
    EXPECT_FALSE(log_writer::may_hold_reports(open_file(O_RDWR).get()));
    EXPECT_FALSE(log_writer::may_hold_reports(open_file(O_WRONLY | O_TRUNC).get()));
    const Fd appended = open_file(O_WRONLY | O_APPEND);
    EXPECT_TRUE(log_writer::may_hold_reports(appended.get()));
    EXPECT_EQ(write_to(appended, "the event\n"), Fate::written);
    EXPECT_EQ(content("file"), "the event\n");
}

TEST_F(FileLog, what_a_program_threw_away_from_its_start_is_thrown_away) {
    log().start_journal();
    const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(log_writer::may_hold_reports(null.get()));
    EXPECT_EQ(write_to(null, "the event\n"), Fate::written);
    EXPECT_EQ(log().journal().size(), 0U);
}

TEST_F(FileLog, a_closed_descriptor_holds_nothing) {
    EXPECT_FALSE(log_writer::may_hold_reports(1000));
    EXPECT_EQ(in_child([] {
                  ::close(STDERR_FILENO);
                  return static_cast<int>(write_report(config_of("stderr"), "the event\n"));
              }),
              static_cast<int>(Fate::lost));
}

TEST_F(FileLog, a_full_disk_refuses_a_report_whole) {
    ASSERT_EQ(::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=64k"), 0);
    const Config config = config_of("file:" + folder_.file("log"));
    int written = 0;
    while (written < 1000 && write_report(config, report_of(1700)) == Fate::written) {
        ++written;
    }
    EXPECT_GT(written, 10);
    EXPECT_LT(written, 1000);
    const std::string text = content("log");
    EXPECT_EQ(torn_lines(text), std::vector<std::string>{});
    EXPECT_EQ(text.size(), 1700 * static_cast<std::size_t>(written));
    ::umount2(folder_.path().c_str(), MNT_DETACH);
}

TEST_F(FileLog, a_limit_of_file_size_refuses_a_report_whole) {
    const Config config = config_of("file:" + folder_.file("log"));
    EXPECT_EQ(in_child([&] {
                  const rlimit limit{2500, 2500};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  ::signal(SIGXFSZ, SIG_DFL);
                  const bool first = write_report(config, report_of(1700)) == Fate::written;
                  const bool second = write_report(config, report_of(1700)) == Fate::written;
                  return first && !second ? 0 : 1;
              }),
              0);
    EXPECT_EQ(content("log"), report_of(1700));
}

TEST_F(FileLog, one_that_cannot_be_had_says_so_in_the_journal) {
    log().start_journal();
    const std::string path = folder_.file("absent/log");
    EXPECT_EQ(write_report(config_of("file:" + path), "the event\n"), Fate::written);
    ASSERT_EQ(::symlink("target", folder_.file("link").c_str()), 0);
    EXPECT_EQ(write_report(config_of("file:" + folder_.file("link")), "the event\n"), Fate::written);
    const std::vector<std::string> entries = log().journal();
    ASSERT_EQ(entries.size(), 4U);
    EXPECT_EQ(journal_field(entries[0], "MESSAGE"),
              "portguard: log=file:" + path + " could not be opened (ENOENT); reported here");
    EXPECT_EQ(journal_field(entries[2], "MESSAGE"),
              "portguard: log=file:" + folder_.file("link") + " could not be opened (ELOOP); reported here");
}

TEST_F(FileLog, a_file_of_the_record_that_cannot_be_had_is_a_loss_and_goes_nowhere_else) {
    log().start_journal();
    Config config;
    EXPECT_EQ(log_writer::record(config, 4242, "the event\n"), Fate::written) << "there is none";
    folder_.file("record-%p").copy(config.record, sizeof config.record - 1);
    EXPECT_EQ(log_writer::record(config, 4242, "the event\n"), Fate::written);
    EXPECT_EQ(content("record-4242"), "the event\n");
    ASSERT_EQ(::chmod(folder_.file("record-4242").c_str(), 0666), 0);
    EXPECT_EQ(log_writer::record(config, 4242, "the event\n"), Fate::lost);
    EXPECT_EQ(log().journal().size(), 0U);
}

} // namespace
} // namespace portguard::test
