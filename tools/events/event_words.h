// What the reports about logs have in common. But for shown_sentence(), nothing here is neutralised: each
// report does that for its reader.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "tools/events/event_record.h"
#include "tools/events/folding.h"

namespace portguard {

struct Frame;
struct ScriptFrame;

namespace tools {

/// "python3[4711]".
std::string name_and_pid(const RecordedProcess& process);

/// "python3 -m http.server"; empty where it is unknown.
std::string command_of(const std::optional<std::vector<std::string>>& argv);

/// "bind tcp 127.0.0.1:40000: in use (EADDRINUSE)".
std::string outcome_of(const EventRecord& event);

/// Harmless on a terminal; the arrows that the guard itself puts between two addresses are kept.
std::string shown_sentence(const EventRecord& event);

/// An error only where the cause does not show that no harm was done.
Level level_of(const EventRecord& event);

/// "127.0.0.1:40000 → 127.0.0.1:7000 ESTABLISHED, SO_REUSEADDR off".
std::string describe(const RecordedHolder& holder);

/// As a report has them, for describe() and stack_lines().
std::vector<Frame> frames_of(const std::vector<RecordedFrame>& stack);
std::vector<ScriptFrame> script_of(const EventRecord& event);

/// "bind in server[4242] (ended), 3.2 s before".
std::string describe(const RecordedCall& call);

/// The processes above each side, from their last common one on: "ctest[5700] > sh[5701] > python3[5864]".
struct ProcessChains {
    std::string asked;
    /// Empty: no process has the socket, or it could not be seen.
    std::string held;
};
ProcessChains chains_of(const Fight& fight);

/// The others, such as `kill 4711`, were for the moment in which the event was told: the pid may be another's
/// by now.
std::vector<std::string> lasting_cures(const EventRecord& event);

/// "portguard repro ports.log --event 3"; empty where nothing can be recreated.
std::string replay_command(const EventRecord& event, const std::string& file, std::uint64_t number_in_file);

} // namespace tools
} // namespace portguard
