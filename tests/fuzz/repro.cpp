// A recorded event, from a log that anybody may have written, as `portguard repro` takes it: what would be
// made, set and started for it, and what would be said of it.
#include <algorithm>
#include <set>

#include "fuzz/claims.h"
#include "tools/common/refusal.h"
#include "tools/repro/recorded_program.h"
#include "tools/repro/repro_report.h"

using namespace portguard;

namespace {

/// Of what one event may cost: processes, sockets, addresses.
constexpr std::size_t most_sockets = 200;
/// Of a range that is filled.
constexpr std::size_t filling = 8;
constexpr std::size_t most_processes = 265;

void require_printable(std::string_view text, const char* claim) {
    fuzz::require(std::none_of(text.begin(), text.end(),
                               [](char byte) {
                                   const auto value = static_cast<unsigned char>(byte);
                                   return value < ' ' || value == 0x7f;
                               }),
                  claim);
}

void require_socket(const tools::WantedSocket& socket) {
    fuzz::require(socket.local.endpoint.family != Family::other, "a socket has an address");
    fuzz::require(socket.state != SocketState::unknown, "and a state");
    fuzz::require(socket.local.device == 0, "on no interface of this machine");
}

void require_stand_in(const tools::StandIn& stand_in) {
    fuzz::require(!stand_in.sockets.empty(), "who stands for somebody has a socket");
    std::for_each(stand_in.sockets.begin(), stand_in.sockets.end(), require_socket);
    fuzz::require(stand_in.processes >= 1, "and a process");
    fuzz::require(stand_in.comm.size() < 16, "and a name that the kernel takes");
}

/// What is written to the settings of the private network is what the kernel accepts there.
void require_settings(const tools::Scene& scene) {
    fuzz::require(scene.ephemeral.low >= 1 && scene.ephemeral.low <= scene.ephemeral.high,
                  "the range is in order");
    fuzz::require(scene.unprivileged_port_start <= scene.ephemeral.low, "and has no privileged port");
    std::set<std::array<std::uint8_t, 16>> seen;
    for (const Endpoint& endpoint : scene.addresses) {
        fuzz::require(tools::needs_interface(endpoint), "an address that a fresh namespace lacks");
        fuzz::require(seen.insert(endpoint.address).second, "is added once");
    }
    fuzz::require(scene.addresses.size() <= 2 * most_sockets + 1, "few addresses are added");
}

void require_scene(const tools::Scene& scene) {
    std::size_t sockets = scene.own.size();
    std::size_t processes = 0;
    for (const tools::StandIn& stand_in : scene.stand_ins) {
        require_stand_in(stand_in);
        sockets += stand_in.sockets.size();
        processes += stand_in.processes;
    }
    fuzz::require(processes <= most_processes, "few processes are started");
    fuzz::require(sockets <= most_sockets + filling, "few sockets are made");
    std::for_each(scene.own.begin(), scene.own.end(), require_socket);
    require_socket(scene.asked);
    require_settings(scene);
    for (const std::string& clause : scene.missing) {
        require_printable(clause, "what is missing is told in print");
    }
}

/// The guard in PROGRAM understands what it is told.
void require_variables(const tools::Scene& scene, tools::Fix fix) {
    std::vector<std::string> entries;
    for (const auto& [name, value] : tools::guard_variables(scene, fix, "/tmp/log")) {
        fuzz::require(name.starts_with("PORTGUARD_"), "the log chooses no variable");
        entries.push_back(name + "=" + value);
    }
    std::vector<const char*> environment;
    for (const std::string& entry : entries) {
        environment.push_back(entry.c_str());
    }
    environment.push_back(nullptr);
    Draft draft;
    Sentence why;
    fuzz::require(apply_environment(draft, environment.data(), why) && check_whole(draft, why),
                  "the variables are a configuration");
}

void require_program(const tools::EventRecord& event) {
    for (const bool is_here : {false, true}) {
        const auto words = tools::recorded_program(event, [is_here](const std::string&) { return is_here; });
        fuzz::require(words.empty() || !words.front().empty(), "a command has a name");
        for (const std::string& word : words) {
            fuzz::require(word.find('\0') == std::string::npos, "what is shown is what is started");
        }
    }
}

void require_report(const tools::LoggedEvent& logged, const tools::Scene& scene) {
    tools::Replay replay;
    replay.missing = scene.missing;
    std::string text = tools::repro_text({logged, scene, {replay}, "program", true});
    fuzz::require(!text.empty() && text.back() == '\n', "an answer ends its line");
    std::erase(text, '\n');
    require_printable(text, "an answer is printable");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tools::ParsedEvent parsed = tools::parse_event(fuzz::view_of(data, size));
    if (!parsed.event.has_value()) {
        return 0;
    }
    require_program(*parsed.event);
    const tools::LoggedEvent logged{std::move(*parsed.event), 1, "log", 1, 1};
    try {
        const tools::Scene recorded = tools::scene_of(logged.record);
        for (const tools::Fix fix : tools::parse_fixes("all")) {
            const tools::Scene scene = tools::fixed(recorded, fix);
            require_scene(scene);
            require_variables(scene, fix);
        }
        require_report(logged, recorded);
    } catch (const tools::Refusal& refusal) {
        require_printable(refusal.what(), "a refusal is one printable line");
    }
    return 0;
}
