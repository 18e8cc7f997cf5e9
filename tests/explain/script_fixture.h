// The stack of a script that a real interpreter runs.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "explain/frames_fixture.h"

namespace portguard::test {

struct Expected {
    const char* function;
    /// One of the folder's, or a name that is no path; empty: one of the interpreter's own, wherever that is.
    std::string file;
    int line = 0;
};

class ScriptOf : public FramesOf {
protected:
    void take_script(const char* interpreter, const std::string& name, const std::string& text,
                     const std::vector<std::string>& options = {}) {
        if (!is_there(interpreter)) {
            PORTGUARD_SKIP("no " + std::string(interpreter) + " here");
        }
        std::vector<std::string> argv{interpreter};
        argv.insert(argv.end(), options.begin(), options.end());
        argv.push_back(folder.write(name, text));
        take(argv);
    }

    /// The innermost.
    void expect_script(const std::vector<Expected>& calls) const {
        const json& script = event["script"];
        ASSERT_GE(script.size(), calls.size()) << event;
        for (std::size_t index = 0; index < calls.size(); ++index) {
            const std::string file = text_of(script[index]["file"]);
            EXPECT_EQ(text_of(script[index]["function"]), calls[index].function) << script.dump(1);
            if (!calls[index].file.empty()) {
                EXPECT_TRUE(file == calls[index].file || file == folder.file(calls[index].file))
                    << script.dump(1);
                EXPECT_EQ(script[index]["line"], calls[index].line) << script.dump(1);
            }
        }
    }

    /// The report for people of the same program.
    std::string text_report(const std::string& view) {
        const std::string log = folder.file("text");
        finished = run_process({.argv = argv_of_text,
                                .environment = {"LD_PRELOAD=" + shim, "PORTGUARD_LOG=file:" + log,
                                                "PORTGUARD_FORMAT=text", "PORTGUARD_STACK=" + view,
                                                "PORTGUARD_BUDGET_MS=10000", "PORTGUARD_CONFIG=/dev/null"},
                                .folder = folder.path().string()});
        std::ifstream file(log);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::vector<std::string> argv_of_text;
};

} // namespace portguard::test
