// The stack of a Python script, as its own interpreter would print it, and how a report shows one.
#include <string>

#include "explain/script_fixture.h"

namespace portguard::test {
namespace {

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

TEST_F(ScriptOf, AProgramThatIsNoInterpreterIsEmpty) {
    take({PORTGUARD_FRAMES_PROGRAM, "plain", "10000"});
    EXPECT_EQ(event["script"], json::array());
    EXPECT_EQ(event["stack"][0]["interpreter"], false);
}

} // namespace
} // namespace portguard::test
