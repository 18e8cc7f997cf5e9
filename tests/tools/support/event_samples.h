// Events as a log has them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace portguard::test {

/// python3[5864] could not bind 127.0.0.1:40000, which an outgoing connection of python3[5855] has.
inline nlohmann::json sample_event() {
    return nlohmann::json::parse(R"({
        "schema": 1, "time": "2026-11-22T18:01:24.960Z", "event": "in_use", "call": "bind",
        "errno": "EADDRINUSE", "family": "ipv4", "protocol": "tcp", "address": "127.0.0.1", "port": 40000,
        "socket": {"fd": 3, "reuseaddr": true, "reuseport": false, "v6only": null, "device": null},
        "process": {"pid": 5864, "tid": 5865, "uid": 0, "exe": "/usr/bin/python3.11",
                    "argv": ["/usr/bin/python3", "-m", "http.server"], "cwd": "/", "netns": 4026532246,
                    "ancestors": [{"pid": 5800, "comm": "pytest"}, {"pid": 1, "comm": "systemd"}]},
        "stack": [{"module": "/usr/bin/python3.11", "offset": 6894313, "build_id": "571d98", "symbol": null,
                   "file": null, "line": null},
                  {"module": "/srv/app", "offset": 16, "build_id": null, "symbol": "main",
                   "file": "/srv/app.c", "line": 20}],
        "holders": [{"local": {"address": "127.0.0.1", "port": 40000},
                     "remote": {"address": "127.0.0.1", "port": 7000}, "state": "ESTABLISHED",
                     "reuseaddr": false, "reuseport": null, "v6only": null, "timer_s": null,
                     "owners": [{"pid": 5855, "fd": 3, "uid": 0, "argv": ["/usr/bin/python3", "uploader.py"],
                                 "netns": null, "ancestors": [{"pid": 5800, "comm": "pytest"}]}]}],
        "ports": null, "cause": "outgoing_connection",
        "sentence": "an outgoing connection of python3[5855] was given this port",
        "cures": [{"when": "now", "command": "portguard rescue 40000"},
                  {"when": "lasting", "command": "sysctl -w net.ipv4.ip_local_reserved_ports=40000"}],
        "count": 2, "missing": ["a thing"]})");
}

/// The same, called by a script.
inline nlohmann::json scripted_event() {
    nlohmann::json event = sample_event();
    event["stack"][0]["interpreter"] = true;
    event["script"] = nlohmann::json::parse(R"([
        {"language": "python", "function": "Server.start", "file": "/srv/app/serve.py", "line": 7},
        {"language": "python", "function": null, "file": "<string>", "line": null}])");
    return event;
}

/// A name that would do harm on a terminal, in XML, HTML or a workflow command.
inline constexpr const char* hostile_text = "</p><script>'\"&\x1b[2J\n::error::%0A\u202e";

/// sample_event() with it wherever another program has a say.
inline nlohmann::json hostile_event() {
    nlohmann::json event = scripted_event();
    for (const char* const place :
         {"/sentence", "/cause", "/process/exe", "/process/cwd", "/process/argv/0", "/process/argv/2",
          "/process/ancestors/0/comm", "/stack/0/module", "/stack/1/symbol", "/stack/1/file",
          "/script/0/function", "/script/0/file", "/holders/0/owners/0/argv/0", "/holders/0/owners/0/argv/1",
          "/holders/0/owners/0/ancestors/0/comm", "/cures/0/command", "/cures/1/command", "/missing/0"}) {
        event[nlohmann::json::json_pointer(place)] = hostile_text;
    }
    return event;
}

inline std::string line_of(const nlohmann::json& event) {
    return event.dump() + "\n";
}

} // namespace portguard::test
