// The stacks of scripts of other interpreters, as these would print them.
#include <string>
#include <vector>

#include "explain/script_fixture.h"

namespace portguard::test {
namespace {

constexpr const char* ruby = "/usr/bin/ruby";

constexpr const char* ruby_server = R"(require 'socket'

class Server
  def start(port)
    door = Socket.new(:INET, :STREAM)
    [port].each do |one|
      door.bind(
        Addrinfo.tcp('127.0.0.1', one))
    end
  rescue Errno::EADDRINUSE
    return
  end
end

def run
  Server.new.start(10000)
end

HOLDER = TCPServer.new('127.0.0.1', 10000)
)";

TEST_F(ScriptOf, RubyHasFunctionsFilesAndLines) {
    take_script(ruby, "serve.rb", std::string(ruby_server) + "run\n");
    expect_script({{"block in start", "serve.rb", 7},
                   {"start", "serve.rb", 6},
                   {"run", "serve.rb", 16},
                   {"<main>", "serve.rb", 20}});
    EXPECT_EQ(event["script"].size(), 4U) << event["script"].dump(1);
    EXPECT_EQ(event["script"][0]["language"], "ruby");
    EXPECT_EQ(event["stack"][0]["interpreter"], true) << event["stack"][0];
    expect_complete();
}

TEST_F(ScriptOf, RubyIsThatOfTheThreadThatAsked) {
    take_script(ruby, "serve.rb",
                std::string(ruby_server) + "Thread.new { sleep }\nThread.new { run }.join\n");
    expect_script({{"block in start", "serve.rb", 7},
                   {"start", "serve.rb", 6},
                   {"run", "serve.rb", 16},
                   {"block in <main>", "serve.rb", 21}});
    EXPECT_EQ(event["script"].size(), 4U) << event["script"].dump(1);
}

TEST_F(ScriptOf, AForkedRubysChildIsTheChilds) {
    take_script(ruby, "serve.rb", std::string(ruby_server) + "fork { run }\nProcess.wait\n");
    expect_script({{"block in start", "serve.rb", 7},
                   {"start", "serve.rb", 6},
                   {"run", "serve.rb", 16},
                   {"block in <main>", "serve.rb", 20}});
}

TEST_F(ScriptOf, RubysLinesBeyondManyInstructionsFibersAndCodeOfNoFileAreRight) {
    // Each line has some 20 instructions: the index of the lines has blocks of 512, of which one is passed.
    std::string text = ruby_server;
    for (int line = 0; line < 60; ++line) {
        text += "A" + std::to_string(line) + " = [1, 2, 3].map { |x| x + 1 }.select { |y| y > 2 }.size + 1\n";
    }
    text += "eval(\"\\nrun\", nil, '(own)', 77)\n";
    take_script(ruby, "long.rb", text);
    expect_script({{"block in start", "long.rb", 7},
                   {"start", "long.rb", 6},
                   {"run", "long.rb", 16},
                   {"<main>", "(own)", 78},
                   {"<main>", "long.rb", 80}});
}

TEST_F(ScriptOf, ARubyFiberIsTheFibers) {
    take_script(ruby, "fiber.rb", std::string(ruby_server) + "Fiber.new {\n run }.resume\n");
    expect_script({{"block in start", "fiber.rb", 7},
                   {"start", "fiber.rb", 6},
                   {"run", "fiber.rb", 16},
                   {"block in <main>", "fiber.rb", 21}});
}

constexpr const char* java = "/usr/bin/java";

constexpr const char* java_door = R"(import java.net.*;
public class Door {
    static class Server {
        void start(int port) throws Exception {
            InetAddress here = InetAddress.getByName("127.0.0.1");
            new ServerSocket(
                port, 1, here);
        }
    }
    static void run() {
        Runnable start = () -> {
            try {
                new Server().start(10000);
            } catch (Exception error) {
            }
        };
        start.run();
    }
    public static void main(String[] arguments) throws Exception {
        ServerSocket holder = new ServerSocket(10000, 1, InetAddress.getByName("127.0.0.1"));
        if (System.getenv("IN_THREAD") == null) {
            run();
        } else {
            Thread thread = new Thread(Door::run);
            thread.start();
            thread.join();
        }
        System.exit(0);
    }
}
)";

class JavaOf : public ScriptOf {
protected:
    /// The frames of Door alone, since those of the library differ.
    void expect_door(const std::vector<Expected>& calls) {
        json own = json::array();
        for (const json& frame : event["script"]) {
            if (text_of(frame["function"]).starts_with("Door")) {
                own.push_back(frame);
            }
        }
        ASSERT_FALSE(event["script"].empty()) << event["stack"].dump(1);
        EXPECT_EQ(event["script"][0]["language"], "java");
        EXPECT_EQ(event["script"][0]["function"], "sun.nio.ch.Net.bind0") << event["script"].dump(1);
        event["script"] = own;
        expect_script(calls);
    }
};

TEST_F(JavaOf, InterpretedCodeHasClassesMethodsFilesAndLines) {
    take_script(java, "Door.java", java_door, {"-Xint"});
    expect_door({{"Door$Server.start", "Door.java", 6},
                 {"Door.lambda$run$0", "Door.java", 13},
                 {"Door.run", "Door.java", 17},
                 {"Door.main", "Door.java", 22}});
    for (const json& frame : event["stack"]) {
        EXPECT_EQ(frame["interpreter"], true) << frame;
    }
}

TEST_F(JavaOf, IsThatOfTheThreadThatAsked) {
    environment = {"IN_THREAD=1"};
    take_script(java, "Door.java", java_door, {"-Xint"});
    expect_door({{"Door$Server.start", "Door.java", 6},
                 {"Door.lambda$run$0", "Door.java", 13},
                 {"Door.run", "Door.java", 17}});
    EXPECT_EQ(event["script"].size(), 3U) << event["script"].dump(1);
}

constexpr const char* node = "/usr/bin/node";

TEST_F(ScriptOf, NodeHasFunctionsFilesAndLines) {
    take_script(node, "door.js", R"(const net = require('net');
class Server {
    start(port) {
        const door = net.createServer();
        door.on('error', () => process.exit(0));
        door.listen(
            port);
    }
}
function run() {
    [1].forEach(() =>
        new Server().start(10000));
}
const holder = net.createServer();
holder.listen(10000, () => {
    const größe = function () {
        run();
    };
    größe();
});
)");
    // What node's own net.js does differs by version.
    json own = json::array();
    for (const json& frame : event["script"]) {
        EXPECT_EQ(frame["language"], "javascript");
        if (text_of(frame["file"]).ends_with("/door.js")) {
            own.push_back(frame);
        }
    }
    ASSERT_FALSE(event["script"].empty()) << event["stack"].dump(1);
    EXPECT_EQ(event["script"][0]["file"], "node:net") << event["script"].dump(1);
    event["script"] = own;
    expect_script({{"start", "door.js", 6},
                   {"", "door.js", 12},
                   {"run", "door.js", 11},
                   {"größe", "door.js", 17},
                   {"", "door.js", 19}});
    EXPECT_EQ(own.size(), 5U) << own.dump(1);
    EXPECT_EQ(event["stack"][0]["interpreter"], true) << event["stack"][0];
    expect_complete();
}

TEST_F(ScriptOf, NodeModulesAreFilesAndTheirLinesAreRightInWideText) {
    take_script(node, "door.mjs", R"(import net from 'net';
// 𝒳 → a source of two bytes a character

const holder = net.createServer().listen(10000, () => {
    const door = net.createServer().on('error', () => process.exit(0));
    door.listen({ port: 10000 });
});
)");
    json own = json::array();
    for (const json& frame : event["script"]) {
        if (text_of(frame["file"]).ends_with("/door.mjs")) {
            own.push_back(frame);
        }
    }
    event["script"] = own;
    expect_script({{"", "door.mjs", 6}});
}

} // namespace
} // namespace portguard::test
