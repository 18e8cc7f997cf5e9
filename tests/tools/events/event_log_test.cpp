#include "tools/events/event_log.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "support/temporary_folder.h"
#include "tools/common/refusal.h"
#include "tools/support/event_samples.h"

namespace portguard::tools {
namespace {

using test::line_of;
using test::sample_event;
using test::TemporaryFolder;

struct Reading {
    std::vector<LoggedEvent> events;
    std::vector<std::string> complaints;
};

Reading read(const std::vector<std::string>& files) {
    Reading reading;
    reading.complaints =
        read_event_logs(files, [&](LoggedEvent event) { reading.events.push_back(std::move(event)); });
    return reading;
}

std::string compressed_file(const TemporaryFolder& folder, const std::string& text) {
    const std::string path = folder.file("log.gz");
    const gzFile file = ::gzopen(path.c_str(), "wb");
    EXPECT_EQ(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
              static_cast<int>(text.size()));
    EXPECT_EQ(::gzclose(file), Z_OK);
    return path;
}

TEST(EventLog, NumbersEventsOverAllFiles) {
    const TemporaryFolder folder;
    const std::string line = line_of(sample_event());
    const std::string first = folder.write("first", line + "\n" + line);
    const std::string second = compressed_file(folder, line);
    const Reading reading = read({first, second});
    EXPECT_TRUE(reading.complaints.empty());
    ASSERT_EQ(reading.events.size(), 3U);
    EXPECT_EQ(reading.events[1].number, 2U);
    EXPECT_EQ(reading.events[1].file, first);
    EXPECT_EQ(reading.events[1].line, 3U);
    EXPECT_EQ(reading.events[2].number, 3U);
    EXPECT_EQ(reading.events[2].number_in_file, 1U);
    EXPECT_EQ(reading.events[2].file, second);
    EXPECT_EQ(reading.events[2].line, 1U);
}

TEST(EventLog, LosesNothingToABadLine) {
    const TemporaryFolder folder;
    const std::string line = line_of(sample_event());
    const std::string file = folder.write("log", line + "no event\n" + line);
    const Reading reading = read({file});
    EXPECT_EQ(reading.events.size(), 2U);
    EXPECT_EQ(reading.complaints, std::vector<std::string>{file + ":2: it is not an event"});
}

TEST(EventLog, SaysThatTheLastLineIsCutOff) {
    const TemporaryFolder folder;
    const std::string line = line_of(sample_event());
    const std::string file = folder.write("log", line + line.substr(0, line.size() / 2));
    const Reading reading = read({file});
    EXPECT_EQ(reading.events.size(), 1U);
    EXPECT_EQ(reading.complaints,
              std::vector<std::string>{file + ":2: the last line is cut off: it is not JSON"});
}

TEST(EventLog, TakesALastLineWithoutNewline) {
    const TemporaryFolder folder;
    const Reading reading = read({folder.write("log", sample_event().dump())});
    EXPECT_EQ(reading.events.size(), 1U);
    EXPECT_TRUE(reading.complaints.empty());
}

TEST(EventLog, ReadsOnBehindALineOfAnyLength) {
    const TemporaryFolder folder;
    const std::string line = line_of(sample_event());
    const std::string file = folder.write("log", std::string(3 * longest_line, '[') + "\n" + line);
    const Reading reading = read({file});
    EXPECT_EQ(reading.events.size(), 1U);
    EXPECT_EQ(reading.complaints,
              std::vector<std::string>{file + ":1: the line is longer than 1048576 bytes"});
}

TEST(EventLog, ComplainsOnceAboutAFile) {
    const TemporaryFolder folder;
    std::string text;
    for (int line = 0; line < 1000; ++line) {
        text += "no event\n";
    }
    const std::string file = folder.write("log", text);
    const Reading reading = read({file});
    EXPECT_EQ(reading.complaints,
              std::vector<std::string>{
                  file + ": 1000 of 1000 lines are not events; the first is line 1: it is not an event"});
}

TEST(EventLog, SaysWhereCompressedDataEnds) {
    const TemporaryFolder folder;
    std::string text;
    for (int line = 0; line < 100; ++line) {
        text += line_of(sample_event());
    }
    const std::string file = compressed_file(folder, text);
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 10);
    const Reading reading = read({file});
    ASSERT_FALSE(reading.complaints.empty());
    EXPECT_TRUE(reading.complaints.back().ends_with("the compressed data is cut off here"))
        << reading.complaints.back();
}

TEST(EventLog, RefusesWhatCannotBeOpened) {
    const TemporaryFolder folder;
    EXPECT_THROW(read({folder.file("none")}), Refusal);
    EXPECT_THROW(read({folder.path().string()}), Refusal);
}

} // namespace
} // namespace portguard::tools
