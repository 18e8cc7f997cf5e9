// Programs under the guard, and the stack that the report of their first event has.
#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "support/private_net.h"
#include "support/process.h"
#include "support/skip.h"
#include "support/temporary_folder.h"

namespace portguard::test {

using nlohmann::json;

inline std::string text_of(const json& value) {
    return value.is_null() ? std::string() : value.get<std::string>();
}

class FramesOf : public PrivateNetTest {
protected:
    void SetUp() override {
#if PORTGUARD_SANITIZED
        PORTGUARD_SKIP("a sanitizer's run-time is not in these programs");
#endif
        PrivateNetTest::SetUp();
        // For whatever user the program becomes.
        chmod(folder.path().c_str(), 01777);
    }

    /// Runs it under the guard; the stack is that of the first event.
    void take(const std::vector<std::string>& argv) {
        const std::string log = folder.file("log");
        std::vector<std::string> variables{"LD_PRELOAD=" + shim,       "PORTGUARD_LOG=file:" + log,
                                           "PORTGUARD_FORMAT=json",    "PORTGUARD_BUDGET_MS=10000",
                                           "PORTGUARD_STACK_DEPTH=64", "PORTGUARD_CONFIG=/dev/null"};
        variables.insert(variables.end(), environment.begin(), environment.end());
        finished = run_process({.argv = argv, .environment = variables, .folder = folder.path().string()});
        ASSERT_TRUE(finished.exited_with(0)) << finished;
        std::string line;
        std::ifstream file(log);
        ASSERT_TRUE(std::getline(file, line)) << "no event: " << finished;
        event = json::parse(line);
        frames = event["stack"];
        ASSERT_FALSE(frames.empty()) << event;
    }

    std::string module(std::size_t index) const {
        return std::string(base_name(text_of(frames.at(index)["module"])));
    }
    std::string symbol(std::size_t index) const {
        return text_of(frames.at(index)["symbol"]);
    }

    bool has_symbol(std::string_view part) const {
        return std::any_of(frames.begin(), frames.end(), [&](const json& frame) {
            return text_of(frame["symbol"]).find(part) != std::string::npos;
        });
    }
    bool has_module(std::string_view name) const {
        return std::any_of(frames.begin(), frames.end(),
                           [&](const json& frame) { return base_name(text_of(frame["module"])) == name; });
    }

    void expect_complete() const {
        EXPECT_EQ(event["missing"], json::array());
    }

    /// From the function that binds to the one that the kernel jumped to.
    void expect_frames_of_frames_program(std::vector<std::string> functions) const {
        functions.insert(functions.begin(), "open_the_front_door");
        functions.emplace_back("main");
        ASSERT_GT(frames.size(), functions.size()) << frames.dump(1);
        for (std::size_t index = 0; index < functions.size(); ++index) {
            EXPECT_EQ(symbol(index), functions[index]) << frames.dump(1);
            EXPECT_EQ(module(index), base_name(PORTGUARD_FRAMES_PROGRAM));
        }
        EXPECT_EQ(symbol(frames.size() - 1), "_start") << frames.dump(1);
    }

    TemporaryFolder folder;
    /// Of the program, beside the guard's.
    std::vector<std::string> environment;
    std::string shim = PORTGUARD_SHIM;
    Finished finished;
    json event;
    json frames;
};

inline bool is_there(const char* program) {
    return access(program, X_OK) == 0;
}

} // namespace portguard::test
