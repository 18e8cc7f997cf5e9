// The stack of a script, as its own interpreter would print it: real interpreters, real conditions.
#include <string>
#include <vector>

#include "explain/frames_fixture.h"

namespace portguard::test {
namespace {

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

constexpr const char* python = "/usr/bin/python3";

constexpr const char* python_server = R"(import socket, sys, threading

class Server:
    def start(self, port):
        door = socket.socket()
        try:
            door.bind((
                '127.0.0.1', port))
        except OSError:
            return
        sys.exit(1)

def run():
    for start in [lambda: Server().start(10000)]:
        start()

holder = socket.socket()
holder.bind(('127.0.0.1', 10000))
holder.listen()
if len(sys.argv) < 2:
    THREAD = threading.Thread(target=run)
)";

TEST_F(ScriptOf, PythonHasFunctionsFilesAndLines) {
    take_script(python, "serve.py", std::string(python_server) + "run()\n");
    expect_script({{"Server.start", "serve.py", 7},
                   {"run.<locals>.<lambda>", "serve.py", 14},
                   {"run", "serve.py", 15},
                   {"<module>", "serve.py", 22}});
    EXPECT_EQ(event["script"].size(), 4U) << event["script"].dump(1);
    EXPECT_EQ(event["script"][0]["language"], "python");
    EXPECT_EQ(event["stack"][0]["interpreter"], true);
    expect_complete();
}

TEST_F(ScriptOf, PythonIsThatOfTheThreadThatAsked) {
    take_script(python, "serve.py", std::string(python_server) + "THREAD.start()\nTHREAD.join()\n");
    expect_script({{"Server.start", "serve.py", 7},
                   {"run.<locals>.<lambda>", "serve.py", 14},
                   {"run", "serve.py", 15},
                   {"Thread.run", ""}});
    for (const json& frame : event["script"]) {
        EXPECT_NE(frame["function"], "<module>") << "of the main thread, which waits";
    }
}

TEST_F(ScriptOf, AForkedPythonsChildIsTheChilds) {
    take_script(python, "serve.py", std::string(python_server) + R"(import os
def child():
    run()
    os._exit(0)
if os.fork() == 0:
    child()
os.wait()
)");
    expect_script({{"Server.start", "serve.py", 7},
                   {"run.<locals>.<lambda>", "serve.py", 14},
                   {"run", "serve.py", 15},
                   {"child", "serve.py", 24},
                   {"<module>", "serve.py", 27}});
}

TEST_F(ScriptOf, PythonGeneratorsAndCodeOfNoFileAreNamedAsPythonNamesThem) {
    take_script(python, "größe.py", std::string(python_server) + R"(
def lauf():
    yield run()
exec('def Öffne():\n\n    list(lauf())\nÖffne()')
)");
    expect_script({{"Server.start", "größe.py", 7},
                   {"run.<locals>.<lambda>", "größe.py", 14},
                   {"run", "größe.py", 15},
                   {"lauf", "größe.py", 24},
                   {"Öffne", "<string>", 3},
                   {"<module>", "<string>", 4},
                   {"<module>", "größe.py", 25}});
}

TEST_F(ScriptOf, PythonsLinesBeyondLongFilesAndLoopsAreRight) {
    std::string text = python_server;
    // Lines further apart than one entry of a table goes, both ways.
    text += "values = [" + std::string(300, '\n') + "1]\ndef far(" + std::string(200, '\n') + "a):\n";
    text += std::string(400, '\n') + "    return (a,\n" + std::string(150, '\n') + "            run())\n";
    text += "for _ in values: far(\n\n\n_)\n";
    take_script(python, "long.py", text);
    expect_script({{"Server.start", "long.py", 7},
                   {"run.<locals>.<lambda>", "long.py", 14},
                   {"run", "long.py", 15},
                   {"far", "long.py", 1075},
                   {"<module>", "long.py", 1076}});
}

TEST_F(ScriptOf, PythonStandsInTheReportWithItsInterpreterFolded) {
    argv_of_text = {python, folder.write("serve.py", std::string(python_server) + "run()\n")};
    if (!is_there(python)) {
        PORTGUARD_SKIP("no python3 here");
    }
    const std::string text = text_report("script");
    EXPECT_NE(text.find("\n  stack    Server.start at "), std::string::npos) << text;
    EXPECT_NE(text.find("serve.py:7\n"), std::string::npos) << text;
    EXPECT_NE(text.find("\n           <module> at "), std::string::npos) << text;
    EXPECT_NE(text.find(" frames of python3"), std::string::npos) << text;
    EXPECT_NE(text.find(" (--stack=full)"), std::string::npos) << text;
    EXPECT_EQ(text.find("PyEval_"), std::string::npos) << text;
}

TEST_F(ScriptOf, PythonStandsInTheReportWithAllOfItsInterpreterWhereThatIsAskedFor) {
    argv_of_text = {python, folder.write("serve.py", std::string(python_server) + "run()\n")};
    if (!is_there(python)) {
        PORTGUARD_SKIP("no python3 here");
    }
    const std::string text = text_report("full");
    EXPECT_NE(text.find("\n  stack    Server.start at "), std::string::npos) << text;
    EXPECT_NE(text.find("\n  native   python3"), std::string::npos) << text;
    EXPECT_NE(text.find("_PyEval_EvalFrameDefault"), std::string::npos) << text;
    EXPECT_NE(text.find("Py_RunMain"), std::string::npos) << text;
    EXPECT_EQ(text.find("--stack=full"), std::string::npos) << text;
}

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

TEST_F(ScriptOf, AProgramThatIsNoInterpreterIsEmpty) {
    take({PORTGUARD_FRAMES_PROGRAM, "plain", "10000"});
    EXPECT_EQ(event["script"], json::array());
    EXPECT_EQ(event["stack"][0]["interpreter"], false);
}

} // namespace
} // namespace portguard::test
