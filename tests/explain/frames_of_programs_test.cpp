// The stack in a report of whole programs, which the preloaded object has to take: interpreters and virtual
// machines, whose own frames are shown as what they are, and programs whose memory is hard to see.
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "explain/frames_fixture.h"

namespace portguard::test {
namespace {

constexpr const char* python = "/usr/bin/python3";
constexpr const char* node = "/usr/bin/node";
constexpr const char* java = "/usr/bin/java";
constexpr const char* port = "10000";
#if defined(__x86_64__)
constexpr const char* loader = "/lib64/ld-linux-x86-64.so.2";
#else
constexpr const char* loader = "/lib/ld-linux-aarch64.so.1";
#endif

TEST_F(FramesOf, PythonReachFromItsSocketModuleToItsStart) {
    if (!is_there(python)) {
        PORTGUARD_SKIP("no python3 here");
    }
    take({python, folder.write("door.py", R"(import socket
holder, other = socket.socket(), socket.socket()
holder.bind(('127.0.0.1', 10000))
holder.listen()
try:
    other.bind(('127.0.0.1', 10000))
except OSError:
    raise SystemExit(0)
raise SystemExit(1)
)")});
    EXPECT_TRUE(has_symbol("Py_RunMain")) << frames.dump(1);
    EXPECT_TRUE(has_symbol("__libc_start_main")) << frames.dump(1);
    EXPECT_EQ(module(frames.size() - 1), std::filesystem::canonical(python).filename()) << frames.dump(1);
    expect_complete();
}

TEST_F(FramesOf, NodeShowJavaScriptAsTheInterpretersOwn) {
    if (!is_there(node)) {
        PORTGUARD_SKIP("no node here");
    }
    take({node, folder.write("door.js", R"(const net = require('net');
const holder = net.createServer();
holder.listen(10000, '127.0.0.1', () => {
    const other = net.createServer();
    other.on('error', () => process.exit(0));
    other.listen(10000, '127.0.0.1');
});
)")});
    // Debian's node has libuv beside it, stripped, and the innermost function there is static; other builds
    // hold it.
    EXPECT_TRUE(has_symbol("uv_") || module(0).starts_with("libuv.so")) << frames.dump(1);
    EXPECT_TRUE(has_symbol("node::Start")) << frames.dump(1);
    EXPECT_TRUE(has_symbol("__libc_start_main")) << frames.dump(1);
    EXPECT_EQ(module(frames.size() - 1), std::filesystem::canonical(node).filename()) << frames.dump(1);
    expect_complete();
}

TEST_F(FramesOf, JavaShowInterpretedCodeWithoutAModuleAndReachTheStartOfTheThread) {
    if (!is_there(java)) {
        PORTGUARD_SKIP("no java here");
    }
    take({java, "-Xint", "-XX:TieredStopAtLevel=1", folder.write("Door.java", R"(import java.net.*;
public class Door {
    public static void main(String[] arguments) throws Exception {
        InetAddress here = InetAddress.getByName("127.0.0.1");
        ServerSocket holder = new ServerSocket(10000, 1, here);
        try {
            new ServerSocket(10000, 1, here);
        } catch (BindException error) {
            System.exit(0);
        }
        System.exit(1);
    }
}
)")});
    EXPECT_TRUE(module(0) == "libnio.so" || module(0) == "libnet.so") << frames.dump(1);
    std::size_t interpreted = 0;
    for (const json& frame : frames) {
        if (frame["module"].is_null()) {
            EXPECT_TRUE(frame["symbol"].is_null()) << frame;
            ++interpreted;
        }
    }
    EXPECT_GE(interpreted, 2U) << frames.dump(1);
    EXPECT_TRUE(has_module("libjvm.so")) << frames.dump(1);
    EXPECT_TRUE(has_module("libjli.so")) << frames.dump(1);
    EXPECT_TRUE(module(frames.size() - 1).starts_with("libc")) << frames.dump(1);
    expect_complete();
}

TEST_F(FramesOf, AMuslProgramThatPortguardRunStarts) {
    const std::string program = PORTGUARD_MUSL_FRAMES_PROGRAM;
    if (program.empty()) {
        PORTGUARD_SKIP("no musl-gcc here");
    }
    take({PORTGUARD_COMMAND, "run", program, "plain", port});
    // Debian's musl has no unwind table beyond the function that calls main.
    ASSERT_GE(frames.size(), 2U) << event;
    EXPECT_EQ(symbol(0), "open_the_front_door");
    EXPECT_EQ(symbol(1), "main");
    EXPECT_EQ(module(1), base_name(program));
    expect_complete();
}

TEST_F(FramesOf, AVforkChildReachItsParentsMain) {
    take({PORTGUARD_FRAMES_PROGRAM, "vfork", port});
    expect_frames_of_frames_program({"in_vfork_child"});
    expect_complete();
}

TEST_F(FramesOf, AProgramStartedThroughTheLoaderAreTheProgramsAndNotTheLoaders) {
    if (!is_there(loader)) {
        PORTGUARD_SKIP("the loader is elsewhere");
    }
    take({loader, PORTGUARD_FRAMES_PROGRAM, "plain", port});
    expect_frames_of_frames_program({});
    expect_complete();
}

TEST_F(FramesOf, AProgramThatIsNotDumpable) {
    take({PORTGUARD_FRAMES_PROGRAM, "undumpable", port});
    expect_frames_of_frames_program({"without_dumps"});
    expect_complete();
}

TEST_F(FramesOf, AProgramThatIsNotDumpableAndOfAnotherUser) {
    if (geteuid() != 0) {
        PORTGUARD_SKIP("root alone can become another user");
    }
    // A checkout may lie in root's own folder.
    for (const char* file : {PORTGUARD_SHIM, PORTGUARD_EXPLAIN, PORTGUARD_FRAMES_PROGRAM}) {
        std::filesystem::copy(file, folder.path());
    }
    shim = folder.file(base_name(PORTGUARD_SHIM));
    take({folder.file(base_name(PORTGUARD_FRAMES_PROGRAM)), "undumpable-nobody", port});
    expect_frames_of_frames_program({"without_dumps"});
    // What is not to be had is said.
    EXPECT_NE(event["missing"].dump().find("part of what /proc says of this process"), std::string::npos)
        << event["missing"];
}

} // namespace
} // namespace portguard::test
