// --junit, --github and --html: where a report goes besides the terminal.
#pragma once

#include <string>

#include "tools/cli/command.h"
#include "tools/events/events_report.h"

namespace portguard::tools {

/// For Command::own.
inline constexpr Parameter junit_parameter{"junit", "FILE", "",
                                           "write failures as test cases; -: standard output"};
inline constexpr Parameter github_parameter{"github", "", "",
                                            "print the failures as annotations for GitHub Actions"};
inline constexpr Parameter html_parameter{"html", "FILE", "",
                                          "write a page with a timeline; -: standard output"};

/// The files are made at once, so that a mistaken name is told before a long run.
class ReportFiles {
public:
    /// Throws Refusal.
    explicit ReportFiles(const Arguments& arguments);
    ReportFiles(const ReportFiles&) = delete;
    ReportFiles& operator=(const ReportFiles&) = delete;
    ~ReportFiles();

    void write(const EventReport& report) const;
    /// One of them is "-": nothing else belongs there.
    [[nodiscard]] bool take_stdout() const;

private:
    struct File {
        std::string path;
        int fd = -1;
        void open(const std::string* name);
        void write(const std::string& text) const;
    };
    File junit_;
    File html_;
};

} // namespace portguard::tools
