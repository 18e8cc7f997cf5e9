// What the preloaded object needs and shows, read from the file itself.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "preload/run_victim.h"

namespace portguard::test {
namespace {

std::set<std::string> interposed_names() {
    return {
#define INTERPOSED(name) #name,
#define ALIAS(name, of) #name,
#include "preload/interposed.def"
#undef INTERPOSED
#undef ALIAS
    };
}

std::vector<std::string> lines_of(const std::vector<std::string>& command) {
    const Finished result = run({.argv = command, .environment = {}, .with_shim = false});
    EXPECT_TRUE(result.exited_with(0)) << result;
    std::vector<std::string> lines;
    std::istringstream text(result.out);
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
    }
    EXPECT_FALSE(lines.empty()) << "it shows nothing of what is looked for\n" << result;
    return lines;
}

std::string path_of_libc() {
    Dl_info info{};
    dladdr(reinterpret_cast<void*>(&getpid), &info);
    return info.dli_fname;
}

// A sanitizer adds its run-time and its checks to every object.
#ifndef PORTGUARD_SANITIZED

/// objdump knows an address by one of its names only: close is __close to it.
std::string symbol_of(const std::string& function) {
#define INTERPOSED(name)
#define ALIAS(name, of)                                                                                      \
    if (function == #of) {                                                                                   \
        return #name;                                                                                        \
    }
#include "preload/interposed.def"
#undef INTERPOSED
#undef ALIAS
    return function;
}

/// The instructions of one function, as objdump prints them.
std::vector<std::string> instructions_of(const std::string& function) {
    std::vector<std::string> lines = lines_of(
        {"/usr/bin/objdump", "--no-show-raw-insn", "--disassemble=" + symbol_of(function), shim_path()});
    std::erase_if(lines, [](const std::string& line) { return line.find(":\t") == std::string::npos; });
    return lines;
}

TEST(Exports, libc_is_the_only_library_it_needs) {
    std::vector<std::string> needed = lines_of({"/usr/bin/readelf", "-dW", shim_path()});
    std::erase_if(needed, [](const std::string& line) { return line.find("(NEEDED)") == std::string::npos; });
    ASSERT_EQ(needed.size(), 1U);
    EXPECT_NE(needed[0].find("[libc.so.6]"), std::string::npos) << needed[0];
}

// A version that a libc lacks keeps every program from starting there.
TEST(Exports, it_asks_for_no_version_of_glibc_after_2_17) {
    std::set<std::pair<int, int>> versions;
    for (const std::string& line : lines_of({"/usr/bin/readelf", "-VW", shim_path()})) {
        int major = 0;
        int minor = 0;
        const std::size_t name = line.find("Name: GLIBC_");
        if (name != std::string::npos &&
            std::sscanf(line.c_str() + name, "Name: GLIBC_%d.%d", &major, &minor) == 2) {
            versions.emplace(major, minor);
        }
    }
    ASSERT_FALSE(versions.empty());
    EXPECT_LE(*versions.rbegin(), std::make_pair(2, 17));
}

TEST(Exports, no_destructor_is_registered_and_one_constructor_is) {
    const std::string shim = shim_path();
    std::size_t finalizers = 0;
    for (const std::string& line : lines_of({"/usr/bin/nm", shim})) {
        EXPECT_EQ(line.find("__cxa_atexit"), std::string::npos) << line;
        EXPECT_EQ(line.find("_GLOBAL__sub_I"), std::string::npos) << "a static constructor: " << line;
        finalizers += line.find(" atexit") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(finalizers, 0U);
}

TEST(Exports, nothing_of_libstdcxx_is_asked_for_even_weakly) {
    for (const std::string& line : lines_of({"/usr/bin/nm", "-DC", "--undefined-only", shim_path()})) {
        EXPECT_EQ(line.find("std::"), std::string::npos) << line;
        EXPECT_EQ(line.find("operator new"), std::string::npos) << line;
        EXPECT_EQ(line.find("_Unwind"), std::string::npos) << line;
        EXPECT_EQ(line.find("gxx_personality"), std::string::npos) << line;
    }
}

// On the way of a call that succeeds: entry to the tail call or return.
TEST(Exports, close_and_socket_and_setsockopt_lock_no_cache_line) {
    for (const char* name : {"close", "socket", "setsockopt"}) {
        const std::vector<std::string> body = instructions_of(name);
        EXPECT_GE(body.size(), 3U) << name << " is not disassembled";
        for (const std::string& line : body) {
            EXPECT_EQ(line.find("lock "), std::string::npos) << name << ": " << line;
            // With a register for an operand it is a no-op of the assembler's.
            EXPECT_TRUE(line.find("xchg ") == std::string::npos || line.find('(') == std::string::npos)
                << name << ": " << line;
            EXPECT_EQ(line.find("%fs:"), std::string::npos) << name << ": " << line;
        }
    }
}

TEST(Exports, no_thread_local_storage_is_there) {
    for (const std::string& line : lines_of({"/usr/bin/readelf", "-lW", shim_path()})) {
        EXPECT_NE(line.substr(0, 6), "  TLS ") << line;
    }
}

/// The segment that may be written: where it begins, and where what the file holds of it ends.
std::pair<unsigned long, unsigned long> writable_segment() {
    for (const std::string& line : lines_of({"/usr/bin/readelf", "-lW", shim_path()})) {
        std::istringstream words(line);
        std::string type;
        unsigned long offset = 0, begin = 0, physical = 0, in_file = 0, in_memory = 0;
        std::string flags;
        words >> type >> std::hex >> offset >> begin >> physical >> in_file >> in_memory >> flags;
        if (type == "LOAD" && flags == "RW") {
            return {begin, begin + in_file};
        }
    }
    return {};
}

struct Section {
    std::string name;
    unsigned long address = 0;
    unsigned long size = 0;
    bool is_code = false;
};

std::vector<Section> sections() {
    std::vector<Section> found;
    for (const std::string& line : lines_of({"/usr/bin/readelf", "-SW", shim_path()})) {
        // "  [13] .text PROGBITS 0000000000001880 001880 006efe 00  AX  0   0 16"
        const std::size_t name = line.find("] .");
        std::istringstream words(name != std::string::npos ? line.substr(name + 2) : "");
        std::string type, offset, entry_size, flags;
        Section section;
        if (words >> section.name >> type >> std::hex >> section.address >> offset >> section.size >>
            entry_size >> flags) {
            section.is_code = flags.find('X') != std::string::npos;
            found.push_back(section);
        }
    }
    return found;
}

/// Where that begins which only failing calls come through: it stands last (start_page.ld).
unsigned long end_of_what_a_start_needs() {
    for (const Section& section : sections()) {
        if (section.name == ".text.failing") {
            return section.address;
        }
    }
    return ~0UL;
}

TEST(Exports, the_whole_code_is_64_KiB_at_most) {
    constexpr unsigned long limit = 65536;
    unsigned long code = 0;
    std::string lengths;
    for (const Section& section : sections()) {
        if (section.is_code) {
            code += section.size;
            lengths += " " + section.name + "=" + std::to_string(section.size);
        }
    }
    EXPECT_GT(code, limit / 2) << "not all of it is found:" << lengths;
    EXPECT_LE(code, limit) << lengths;
}

// Each page more is felt in every exec of the wrapped tree.
TEST(Exports, what_every_start_writes_lies_on_one_page) {
    constexpr unsigned long page = 4096;
    const auto [begin, end] = writable_segment();
    EXPECT_EQ(begin % page, 0U);
    EXPECT_LE(end_of_what_a_start_needs(), 16 * page)
        << "the code is longer than what the kernel maps at one fault";
    EXPECT_LT(end - begin, page) << "its rest is what the loader clears, and so writes before it reads";
    std::set<std::string> missing{
        "::current_activity",     "::program",  "::has_standard_error", "::standard_error_device",
        "::standard_error_inode", "::pointers", "::are_bare",           "::no_color"};
    for (const std::string& line : lines_of({"/usr/bin/nm", "-C", shim_path()})) {
        const unsigned long address = std::strtoul(line.c_str(), nullptr, 16);
        if (begin <= address && address < end) {
            missing.erase(line.substr(std::min(line.rfind("::"), line.size())));
        }
    }
    EXPECT_EQ(missing, std::set<std::string>{});
}

/// What a function takes of the stack: its pushes and the widest `sub $n,%rsp`.
long frame_of(const std::string& function) {
    long bytes = 8;
    for (const std::string& line : instructions_of(function)) {
        const std::size_t sub = line.find("sub    $0x");
        if (line.find("push ") != std::string::npos) {
            bytes += 8;
        } else if (sub != std::string::npos && line.find(",%rsp") != std::string::npos) {
            // As a difference it may be negative: -Os takes 128 bytes back so, in one byte of code less.
            bytes += std::max(0L, static_cast<long>(std::stoull(line.substr(sub + 10), nullptr, 16)));
        }
    }
    return bytes;
}

TEST(Exports, each_hook_takes_less_than_512_bytes_of_stack) {
    for (const std::string& name : interposed_names()) {
        const std::string inner = "(anonymous namespace)::guarded_" + name;
        const long bytes = frame_of(name);
        EXPECT_LT(bytes, 128) << name;
        long inner_bytes = 0;
        for (const std::string& line : lines_of({"/usr/bin/nm", shim_path()})) {
            if (line.find("guarded_" + name) != std::string::npos && line.find('.') == std::string::npos) {
                inner_bytes = std::max(inner_bytes, frame_of(line.substr(line.rfind(' ') + 1)));
            }
        }
        EXPECT_LT(bytes + inner_bytes, 512) << name;
    }
}

#endif

TEST(Exports, the_intercepted_names_are_all_that_it_shows) {
    std::set<std::string> shown;
    for (const std::string& line : lines_of({"/usr/bin/nm", "-D", "--defined-only", shim_path()})) {
        shown.insert(line.substr(line.rfind(' ') + 1));
    }
    EXPECT_EQ(shown, interposed_names());
}

TEST(Exports, every_public_alias_of_an_intercepted_name_in_libc_is_intercepted) {
    std::set<std::string> addresses;
    std::set<std::string> aliases;
    const std::vector<std::string> symbols =
        lines_of({"/usr/bin/nm", "-D", "--defined-only", path_of_libc()});
    const std::set<std::string> ours = interposed_names();
    const auto name_of = [](const std::string& line) {
        const std::string name = line.substr(line.rfind(' ') + 1);
        return name.substr(0, name.find('@'));
    };
    for (const std::string& line : symbols) {
        if (ours.contains(name_of(line))) {
            addresses.insert(line.substr(0, 16));
        }
    }
    for (const std::string& line : symbols) {
        if (addresses.contains(line.substr(0, 16)) && line.find("GLIBC_PRIVATE") == std::string::npos) {
            aliases.insert(name_of(line));
        }
    }
    EXPECT_EQ(aliases, ours);
}

} // namespace
} // namespace portguard::test
