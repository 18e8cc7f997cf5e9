// A line on a terminal's stderr about what takes its time, gone once that is done.
#pragma once

#include <string>

namespace portguard::tools {

class Progress {
public:
    Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { clear(); }

    /// In place of the line before; cut to the terminal's width. Nothing where stderr is no terminal.
    void say(const std::string& what);
    void clear();

private:
    bool is_terminal_;
    bool is_shown_ = false;
};

} // namespace portguard::tools
