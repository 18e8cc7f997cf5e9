// One event of a log as values: what a line with format=json says (examples/events/schema.json). Everything
// in it was written by other programs or about them, and is neutralised where it is shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/endpoint.h"
#include "core/event.h"
#include "kernel/proc.h"
#include "kernel/sock_diag.h"

namespace portguard::tools {

/// The options of a socket; empty: unknown.
struct SocketOptions {
    std::optional<bool> reuseaddr;
    std::optional<bool> reuseport;
    std::optional<bool> v6only;
};

struct RecordedProcess {
    pid_t pid = 0;
    std::optional<pid_t> tid;
    /// The effective one.
    std::optional<uid_t> uid;
    std::optional<std::string> exe;
    std::optional<std::vector<std::string>> argv;
    std::optional<std::string> cwd;
    std::optional<std::uint64_t> netns;
    /// The parent first.
    std::vector<Ancestor> ancestors;
};

struct RecordedFrame {
    /// Empty: code that was made at run time.
    std::optional<std::string> module;
    std::uint64_t offset = 0;
    std::optional<std::string> build_id;
    std::optional<std::string> symbol;
    std::optional<std::string> file;
    std::optional<int> line;
    /// Of the interpreter that runs the script.
    bool is_interpreters = false;
};

struct RecordedScriptFrame {
    std::optional<std::string> function;
    std::optional<std::string> file;
    std::optional<int> line;
};

struct RecordedOwner {
    pid_t pid = 0;
    int fd = -1;
    std::optional<uid_t> uid;
    std::optional<std::vector<std::string>> argv;
    /// Only where it is another than that of the process that asked.
    std::optional<std::uint64_t> netns;
    std::vector<Ancestor> ancestors;
};

/// A call that took a port, as `remember` kept it.
struct RecordedCall {
    Call call = Call::bind;
    /// It is the listener's on that port, which must have accepted the connection.
    bool of_listener = false;
    pid_t pid = 0;
    std::string program;
    double age_s = 0;
    std::optional<bool> ended;
    /// Innermost first.
    std::vector<RecordedFrame> stack;
};

struct RecordedHolder {
    /// Family::other: the address is unknown.
    Endpoint local;
    /// Of a unix socket: its path, or "@name".
    std::string unix_name;
    std::optional<Endpoint> remote;
    SocketState state = SocketState::unknown;
    SocketOptions options;
    /// Seconds until TIME_WAIT ends.
    std::optional<double> timer_s;
    std::vector<RecordedOwner> owners;
    /// Where it took the port.
    std::optional<RecordedCall> taken;
};

struct RecordedCure {
    bool lasting = false;
    std::string command;
};

struct EventRecord {
    /// As written: RFC 3339, UTC, milliseconds. Empty: a report for people whose log names none.
    std::string time;
    /// Since 1970; 0 where `time` is empty.
    std::chrono::milliseconds instant{0};
    /// Read from the first line of a report for people: no more than that is known.
    bool is_from_text = false;
    EventKind kind = EventKind::in_use;
    Call call = Call::bind;
    /// Empty: the call went through.
    std::optional<int> error;
    Protocol protocol = Protocol::unknown;
    /// Family::other: the address is unknown, the port is not.
    Endpoint asked;
    /// Of a unix socket: its path, or "@name". Empty: it is none.
    std::string unix_name;
    int fd = -1;
    SocketOptions options;
    /// Index of the interface that the socket is bound to.
    std::optional<std::uint32_t> device;
    RecordedProcess process;
    /// Innermost first.
    std::vector<RecordedFrame> stack;
    std::vector<RecordedScriptFrame> script;
    std::vector<RecordedHolder> holders;
    /// Who had picked the port, and let it go, before it was taken.
    std::optional<RecordedCall> picked;
    /// The id, as cause_name() has it; cause_named() knows those of this version.
    std::string cause;
    std::string sentence;
    std::vector<RecordedCure> cures;
    /// This one and those like it that were only counted.
    std::uint64_t count = 1;
    std::vector<std::string> missing;
    /// The line that it was read from, or what was made of a report for people.
    std::string json;
};

struct ParsedEvent {
    std::optional<EventRecord> event;
    /// Where there is none: why, a clause without a full stop and without control characters.
    std::string problem;
};

/// Reads one line of a log. Takes bytes from anywhere.
ParsedEvent parse_event(std::string_view line);

} // namespace portguard::tools
