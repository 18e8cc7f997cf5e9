// A stack as a report shows it, beside the one that libunwind finds in this program.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <link.h>
#include <ucontext.h>

#include <nlohmann/json.hpp>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "core/text.h"
#include "explain/explain_fixture.h"

namespace portguard::test {

using nlohmann::json;

/// Base name of the file, and the address in it.
using Place = std::pair<std::string, std::uint64_t>;

inline Place place_of(void* address) {
    Dl_info info{};
    link_map* object = nullptr;
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    if (dladdr1(static_cast<char*>(address) - 1, &info, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) ==
        0) {
        return {"", number};
    }
    // The loader's name may be a link's; the kernel knows the file's.
    const std::string name = object->l_name[0] == '\0' ? "/proc/self/exe" : object->l_name;
    if (name.starts_with("linux-gate.so")) { // i386's vdso, as the loader calls it
        return {"[vdso]", number - object->l_addr};
    }
    return {std::filesystem::canonical(name).filename().string(), number - object->l_addr};
}

class StackOf : public ExplainTest {
protected:
    void SetUp() override {
        ExplainTest::SetUp();
        config.format = Format::json;
        config.diagnosis = Diagnosis::stack;
        config.limits.stack_depth = 128;
    }

    /// The stack from here, by the helper and by libunwind.
    [[gnu::noinline]] void take() {
        ucontext_t context{};
        getcontext(&context);
        std::array<void*, 128> addresses{};
        const int count = unw_backtrace(addresses.data(), static_cast<int>(addresses.size()));
        FailedCall call(socket, loopback(port));
        call.has_memory = has_memory;
        call.copied_stack = copied_stack;
        call.snapshot.config = config;
        event = json::parse(explain(call, context, helper).text);
        expected.clear();
        for (int index = 1; index < count; ++index) {
            void* address = addresses[static_cast<std::size_t>(index)];
#if defined(__aarch64__)
            // unw_backtrace gives the byte before a return address there (src/aarch64/Gtrace.c).
            address =
                reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(address) + 3) & ~std::uintptr_t{3});
#endif
            expected.push_back(place_of(address));
        }
#if defined(__aarch64__)
        // Where a stack ends, it may give the last once more.
        if (expected.size() > 1 && expected.back() == expected[expected.size() - 2]) {
            expected.pop_back();
        }
#endif
    }

    /// All but the first, which both have at another instruction.
    std::vector<Place> found() const {
        std::vector<Place> places;
        for (const json& frame : event["stack"]) {
            const std::string module = frame["module"].is_null() ? "" : frame["module"].get<std::string>();
            places.emplace_back(std::string(base_name(module)), frame["offset"].get<std::uint64_t>());
        }
        places.erase(places.begin(), places.begin() + (places.empty() ? 0 : 1));
        return places;
    }

    bool has_function(const std::string& name) const {
        for (const json& frame : event["stack"]) {
            if (!frame["symbol"].is_null() &&
                frame["symbol"].get<std::string>().find(name) != std::string::npos) {
                return true;
            }
        }
        return false;
    }

    bool is_missing(const std::string& words) const {
        return event["missing"].dump().find(words) != std::string::npos;
    }

    void expect_same(std::size_t least) const {
        EXPECT_EQ(found(), expected) << event["stack"].dump(1);
        EXPECT_GE(expected.size(), least);
        EXPECT_EQ(event["missing"], json::array());
    }

    Fd socket = tcp_socket();
    bool has_memory = false;
    std::size_t copied_stack = snapshot_stack_capacity;
    json event;
    std::vector<Place> expected;
};

} // namespace portguard::test
