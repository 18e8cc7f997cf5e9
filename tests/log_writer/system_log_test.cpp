// log=journal and log=syslog, and what each is when the other is not there.
#include "support/system_log.h"

#include <fstream>

#include "log_writer/standard_error.h"
#include "support/private_net.h"

namespace portguard::test {
namespace {

class SystemsLog : public SystemLogTest {};

TEST_F(SystemsLog, an_entry_of_the_journal_has_the_whole_report_and_its_fields) {
    log().start_journal();
    const log_writer::Field fields[] = {{"PORTGUARD_EVENT", "in_use"}, {"PORTGUARD_PORT", "5000"}};
    EXPECT_EQ(log_writer::write(config_of("journal"), 4242, false, Level::error, "first\nsecond\n", fields),
              Fate::written);
    const std::vector<std::string> entries = log().journal();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(journal_field(entries[0], "MESSAGE"), "first\nsecond");
    EXPECT_EQ(journal_field(entries[0], "PRIORITY"), "3");
    EXPECT_EQ(journal_field(entries[0], "SYSLOG_IDENTIFIER"), "portguard");
    EXPECT_EQ(journal_field(entries[0], "SYSLOG_PID"), "4242");
    EXPECT_EQ(journal_field(entries[0], "PORTGUARD_EVENT"), "in_use");
    EXPECT_EQ(journal_field(entries[0], "PORTGUARD_PORT"), "5000");
}

TEST_F(SystemsLog, an_entry_with_as_many_fields_as_it_may_have_is_whole) {
    log().start_journal();
    std::vector<std::string> names;
    for (char letter = 'A'; letter < 'A' + 16; ++letter) {
        names.push_back(std::string("PORTGUARD_") + letter);
    }
    std::vector<log_writer::Field> fields;
    for (const std::string& name : names) {
        fields.push_back({name, name});
    }
    EXPECT_EQ(log_writer::write(config_of("journal"), 4242, false, Level::error, "the report\n", fields),
              Fate::written);
    const std::vector<std::string> entries = log().journal();
    ASSERT_EQ(entries.size(), 1U);
    for (const std::string& name : names) {
        EXPECT_EQ(journal_field(entries[0], name), name);
    }
    EXPECT_EQ(journal_field(entries[0], "MESSAGE"), "the report");
    EXPECT_TRUE(entries[0].ends_with("the report\n"));
}

TEST_F(SystemsLog, an_entry_that_no_datagram_holds_goes_to_the_journal_as_a_file) {
    log().start_journal();
    const std::string report = report_of(500'000);
    EXPECT_EQ(write_report(config_of("journal"), report), Fate::written);
    const std::vector<std::string> entries = log().journal();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(journal_field(entries[0], "MESSAGE") + "\n", report);
}

TEST_F(SystemsLog, syslog_gets_a_datagram_for_each_line) {
    log().start_syslog();
    EXPECT_EQ(log_writer::write(config_of("syslog"), 4242, false, Level::info, "first\n  second\n"),
              Fate::written);
    EXPECT_EQ(log().syslog(),
              (std::vector<std::string>{"<30>portguard[4242]: first", "<30>portguard[4242]:   second"}));
}

TEST_F(SystemsLog, where_there_is_no_journal_syslog_gets_the_event_and_the_reason) {
    log().start_syslog();
    EXPECT_EQ(write_report(config_of("journal"), "the event\n"), Fate::written);
    EXPECT_EQ(log().syslog(),
              (std::vector<std::string>{
                  "<27>portguard[4242]: portguard: log=journal could not be written (ENOENT); reported here",
                  "<27>portguard[4242]: the event"}));
}

TEST_F(SystemsLog, where_there_is_no_syslog_the_journal_gets_the_event) {
    log().start_journal();
    EXPECT_EQ(write_report(config_of("syslog"), "the event\n"), Fate::written);
    ASSERT_EQ(log().journal().size(), 2U);
}

TEST_F(SystemsLog, where_there_is_neither_the_event_is_lost) {
    EXPECT_EQ(write_report(config_of("journal"), "the event\n"), Fate::lost);
    EXPECT_EQ(write_report(config_of("syslog"), "the event\n"), Fate::lost);
    EXPECT_EQ(write_report(config_of("file:/nowhere/log"), "the event\n"), Fate::lost);
}

TEST_F(SystemsLog, one_whose_queue_is_full_is_not_waited_for) {
    log().start_journal();
    log().start_syslog();
    const auto write_many = [](const char* where) {
        return in_child([where] {
            for (int report = 0; report < 5000; ++report) {
                if (write_report(config_of(where), report_of(200)) == Fate::lost) {
                    return 0;
                }
            }
            return 1;
        });
    };
    EXPECT_EQ(write_many("journal"), 0);
    EXPECT_GT(log().journal().size(), 1U);
    EXPECT_EQ(write_many("syslog"), 0);
}

} // namespace
} // namespace portguard::test
