#include "tools/repro/repro_report.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "explain/cause.h"
#include "explain/holder_summary.h"
#include "explain/text_block.h"
#include "kernel/holders.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

std::string errno_words(int error) {
    return error == 0 ? "goes through" : describe_errno(error);
}

std::string asked_words(const ReproReport& report) {
    const EventRecord& event = report.event.record;
    return std::string(call_name(event.call)) + " " + std::string(protocol_name(event.protocol)) + " " +
           text_of(event.asked);
}

std::string expected_words(const Scene& scene) {
    return (scene.kind == EventKind::cured ? "cured" : errno_words(scene.error)) + ", " + shown(scene.cause);
}

std::string probe_words(const ProbeResult& probe) {
    const std::string words = probe.is_cured ? "cured" : errno_words(probe.error);
    return probe.cause.empty() ? words : words + ", " + shown(probe.cause);
}

/// sigabbrev_np(3) is of glibc 2.32 and later, and has no name for a real-time signal.
std::string signal_name(int number) {
    constexpr std::array names{
        std::pair{SIGHUP, "SIGHUP"},   std::pair{SIGINT, "SIGINT"},   std::pair{SIGQUIT, "SIGQUIT"},
        std::pair{SIGILL, "SIGILL"},   std::pair{SIGTRAP, "SIGTRAP"}, std::pair{SIGABRT, "SIGABRT"},
        std::pair{SIGBUS, "SIGBUS"},   std::pair{SIGFPE, "SIGFPE"},   std::pair{SIGKILL, "SIGKILL"},
        std::pair{SIGUSR1, "SIGUSR1"}, std::pair{SIGSEGV, "SIGSEGV"}, std::pair{SIGUSR2, "SIGUSR2"},
        std::pair{SIGPIPE, "SIGPIPE"}, std::pair{SIGALRM, "SIGALRM"}, std::pair{SIGTERM, "SIGTERM"},
        std::pair{SIGXCPU, "SIGXCPU"}, std::pair{SIGXFSZ, "SIGXFSZ"}, std::pair{SIGSYS, "SIGSYS"},
    };
    const auto* const found = std::find_if(names.begin(), names.end(),
                                           [number](const auto& entry) { return entry.first == number; });
    return found == names.end() ? "signal " + std::to_string(number) : found->second;
}

std::string end_words(const ProgramOutcome& outcome) {
    if (outcome.was_ended) {
        return "ended by --for";
    }
    return outcome.signal != 0 ? "killed by " + signal_name(outcome.signal)
                               : "exit " + std::to_string(outcome.exit_status);
}

std::string program_words(const ProgramOutcome& outcome, bool with_shim) {
    if (!with_shim) {
        return end_words(outcome);
    }
    const std::string words = outcome.failed_on_port()   ? outcome.call + " " + outcome.error
                              : outcome.event == "cured" ? "cured"
                                                         : "no failure";
    return words + ", " + end_words(outcome);
}

/// "the program ended with 1".
std::string end_sentence(const ProgramOutcome& outcome) {
    if (outcome.was_ended) {
        return "the program ran until --for ended it";
    }
    return outcome.signal != 0 ? "the program was killed by " + signal_name(outcome.signal)
                               : "the program ended with " + std::to_string(outcome.exit_status);
}

/// Lines that are equal but for what `first` has in addition: the first as it is, or what they share and how
/// many there are.
struct FoldedLine {
    std::string first;
    std::string shared;
    std::size_t count = 1;
};

void fold(std::string first, std::string shared, std::vector<FoldedLine>& lines) {
    const auto known = std::find_if(lines.begin(), lines.end(),
                                    [&shared](const FoldedLine& line) { return line.shared == shared; });
    if (known == lines.end()) {
        lines.push_back({std::move(first), std::move(shared)});
    } else {
        ++known->count;
    }
}

void add_folded(std::string_view label, const std::vector<FoldedLine>& lines, TextBlock& block) {
    for (const FoldedLine& line : lines) {
        block.add(label,
                  line.count == 1 ? line.first : line.shared + " (" + std::to_string(line.count) + " times)");
    }
}

/// Those of a process that differ by nothing but their peer are one line.
void add_sockets(const StandIn& stand_in, TextBlock& block) {
    constexpr std::size_t most_shown = 3;
    std::vector<FoldedLine> lines;
    for (const WantedSocket& socket : stand_in.sockets) {
        const std::string local = text_of(socket.local.endpoint);
        const std::string peer = socket.remote.family == Family::other ? "" : " → " + text_of(socket.remote);
        std::string rest = " " + std::string(state_name(socket.state));
        rest += ", " + describe_reuseaddr(socket.reuseaddr);
        rest += socket.reuseport ? ", SO_REUSEPORT on" : "";
        rest += stand_in.stands_for != 0 ? ", for pid " + std::to_string(stand_in.stands_for) : "";
        std::string whole = local;
        whole.append(peer).append(rest);
        std::string without_peer = local;
        without_peer += rest;
        fold(std::move(whole), std::move(without_peer), lines);
    }
    std::size_t more = 0;
    for (std::size_t index = most_shown; index < lines.size(); ++index) {
        more += lines[index].count;
    }
    lines.resize(std::min(lines.size(), most_shown));
    add_folded("holder", lines, block);
    if (more != 0) {
        block.add("holder", "and " + std::to_string(more) + " more");
    }
}

void add_missing(const std::vector<std::string>& clauses, TextBlock& block) {
    std::vector<FoldedLine> lines;
    for (const std::string& clause : clauses) {
        fold(clause, clause, lines);
    }
    add_folded("missing", lines, block);
}

/// Columns as wide as their widest entry, two blanks apart.
std::string table(const std::vector<std::array<std::string, 3>>& rows) {
    std::array<std::size_t, 3> widths{};
    for (const auto& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], row[column].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            line += row[column] + std::string(widths[column] - row[column].size() + 2, ' ');
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

std::string fixes_table(const ReproReport& report) {
    const bool has_program = report.replays.front().program.has_value();
    std::vector<std::array<std::string, 3>> rows{{"cure", "probe", has_program ? "PROGRAM" : ""}};
    for (const Replay& replay : report.replays) {
        rows.push_back({std::string(fix_name(replay.fix)), probe_words(replay.probe),
                        replay.program.has_value() ? program_words(*replay.program, report.with_shim) : ""});
    }
    return table(rows);
}

/// The stand-ins run this program's file, whatever the listeners of the event were.
bool is_about_a_listeners_program(std::string_view cause) {
    constexpr std::array causes{Cause::listener_same_program, Cause::listener_other_program,
                                Cause::listener_ancestor, Cause::inherited_listener};
    return std::any_of(causes.begin(), causes.end(),
                       [cause](Cause known) { return cause_name(known) == cause; });
}

bool is_same_condition(std::string_view met, std::string_view recorded) {
    return met == recorded || (is_about_a_listeners_program(met) && is_about_a_listeners_program(recorded));
}

std::string verdict(const ReproReport& report) {
    const Replay& plain = report.replays.front();
    if (!report.probe_agrees()) {
        return "reproduced: no, the event says " + expected_words(report.scene) + ", and the probe met " +
               probe_words(plain.probe);
    }
    if (!report.is_reproduced()) {
        return "reproduced: no, the condition is there (" + expected_words(report.scene) + "), and " +
               end_sentence(*plain.program) + " without meeting it";
    }
    return "reproduced: yes, " + (plain.program.has_value() ? end_sentence(*plain.program) + " (" +
                                                                  expected_words(report.scene) + ")"
                                                            : expected_words(report.scene));
}

Json json_of(const ProgramOutcome& outcome) {
    return {{"event", text_or_null(outcome.event)},
            {"call", text_or_null(outcome.call)},
            {"errno", text_or_null(outcome.error)},
            {"cause", text_or_null(outcome.cause)},
            {"exit_status", outcome.signal != 0 ? Json(nullptr) : Json(outcome.exit_status)},
            {"signal", outcome.signal != 0 ? Json(outcome.signal) : Json(nullptr)},
            {"was_ended", outcome.was_ended}};
}

Json json_of(const Replay& replay) {
    Json json;
    json["fix"] = fix_name(replay.fix);
    json["errno"] = errno_json(replay.probe.error);
    json["cured"] = replay.probe.is_cured;
    json["cause"] = text_or_null(replay.probe.cause);
    json["program"] = replay.program.has_value() ? json_of(*replay.program) : Json(nullptr);
    json["missing"] = replay.missing;
    return json;
}

} // namespace

bool ReproReport::probe_agrees() const {
    const ProbeResult& probe = replays.front().probe;
    return probe.error == scene.error && is_same_condition(probe.cause, scene.cause) &&
           probe.is_cured == (scene.kind == EventKind::cured);
}

bool ReproReport::is_reproduced() const {
    const auto& outcome = replays.front().program;
    if (!probe_agrees() || !outcome.has_value() || !with_shim) {
        return probe_agrees();
    }
    return scene.error == 0 ? outcome->event == event_name(scene.kind)
                            : outcome->error == describe_errno(scene.error);
}

std::string repro_text(const ReproReport& report, std::size_t width) {
    TextBlock block("event " + std::to_string(report.event.number) + ": " + asked_words(report) + ": " +
                        expected_words(report.scene),
                    false, TextBlock::room_of(width));
    for (const StandIn& stand_in : report.scene.stand_ins) {
        add_sockets(stand_in, block);
    }
    add_missing(report.replays.front().missing, block);
    if (!report.program.empty()) {
        block.add_cut("program", report.program);
    }
    block.add("result", verdict(report));
    const bool has_table = report.replays.size() > 1 || report.replays.front().program.has_value();
    return has_table ? block.text() + "\n\n" + fixes_table(report) : block.text() + "\n";
}

std::string repro_json(const ReproReport& report) {
    Json json;
    json["schema"] = json_schema_version;
    json["event"] = report.event.number;
    json["call"] = call_name(report.scene.call);
    json["errno"] = errno_json(report.scene.error);
    json["cause"] = report.scene.cause;
    json["reproduced"] = report.is_reproduced();
    Json replays = Json::array();
    for (const Replay& replay : report.replays) {
        replays.push_back(json_of(replay));
    }
    json["replays"] = std::move(replays);
    return text_of(json);
}

} // namespace portguard::tools
