// Counts what the shim adds to a script in system calls, by strace.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "preload/play.h"
#include "support/private_net.h"

namespace portguard::test {

using Counts = std::map<std::string, int>;

/// The fixture for tests of which system calls the shim adds to a script.
class Syscalls : public PrivateNetTest {
protected:
    void SetUp() override {
        PrivateNetTest::SetUp();
        if (is_sanitized) {
            GTEST_SKIP() << "a sanitizer's run-time makes system calls of its own";
        }
    }

    /// How often each system call stands between two closes of descriptors that never were.
    Counts count(const std::string& warm_up, const std::string& script, const Environment& environment,
                 bool with_shim) {
        const Finished result = trace(warm_up, script, environment, with_shim, {"-f"});
        EXPECT_EQ(count_of(result.out, "-> E"), 2U) << "only what succeeds counts here\n" << result;
        return count_between(read_text(folder_.file("trace")));
    }

    /// The same with the shim, of the program's own process alone, where the script may fail.
    Counts of_host(const std::string& warm_up, const std::string& script, const Environment& environment) {
        trace(warm_up, script, environment, true, {});
        return count_between(read_text(folder_.file("trace")));
    }

    /// What the shim adds.
    Counts added(const std::string& script, const Environment& environment,
                 const std::string& warm_up = "w = tcp4; bind w *:10099") {
        Counts with = count(warm_up, script, environment, true);
        for (const auto& [name, number] : count(warm_up, script, environment, false)) {
            with[name] -= number;
        }
        std::erase_if(with, [](const auto& entry) { return entry.second == 0; });
        return with;
    }

private:
    Finished trace(const std::string& warm_up, const std::string& script, const Environment& environment,
                   bool with_shim, const std::vector<std::string>& options) {
        std::vector<std::string> argv{"/usr/bin/strace", "-o", folder_.file("trace"), "-E",
                                      "LD_PRELOAD=" + (with_shim ? preload_value({}) : std::string())};
        argv.insert(argv.end(), options.begin(), options.end());
        argv.insert(argv.end(),
                    {victim("socket_script"), warm_up + "; close 7777; " + script + "; close 7778"});
        const Finished result = run({.argv = argv, .environment = environment, .with_shim = false});
        EXPECT_TRUE(result.exited_with(0)) << result;
        EXPECT_EQ(count_of(result.out, "-> EBADF"), 2U) << result;
        return result;
    }

    static Counts count_between(const std::string& trace) {
        Counts counts;
        bool counting = false;
        std::istringstream lines(trace);
        for (std::string line; std::getline(lines, line);) {
            const std::size_t start = line.find_first_not_of("0123456789 ");
            const std::size_t end = line.find('(', start);
            if (line.find("close(7778)") != std::string::npos) {
                return counts;
            }
            if (counting && end != std::string::npos) {
                ++counts[line.substr(start, end - start)];
            }
            counting = counting || line.find("close(7777)") != std::string::npos;
        }
        ADD_FAILURE() << "no end mark in the trace:\n" << trace;
        return counts;
    }

    TemporaryFolder folder_;
};

inline const Counts nothing{};

} // namespace portguard::test
