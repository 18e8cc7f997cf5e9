#include "tools/repro/replay.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include <poll.h>
#include <sys/prctl.h>

#include "kernel/holders.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/common/progress.h"
#include "tools/repro/network.h"
#include "tools/repro/scene_process.h"
#include "tools/repro/stand_in.h"

namespace portguard::tools {
namespace {

void set_device(WantedSocket& socket, std::uint32_t device) {
    socket.local.device = socket.local.endpoint.is_link_local() ? device : 0;
}

void make_network(Scene& scene) {
    const std::uint32_t device = add_interfaces(scene.addresses);
    set_device(scene.asked, device);
    for (StandIn& stand_in : scene.stand_ins) {
        std::for_each(stand_in.sockets.begin(), stand_in.sockets.end(),
                      [device](WantedSocket& socket) { set_device(socket, device); });
    }
    std::for_each(scene.own.begin(), scene.own.end(),
                  [device](WantedSocket& socket) { set_device(socket, device); });
    // Neither setting is taken while it contradicts the other.
    write_setting("ipv4/ip_unprivileged_port_start", "0");
    set_ephemeral_range(scene.ephemeral);
    write_setting("ipv4/ip_unprivileged_port_start", std::to_string(scene.unprivileged_port_start));
}

/// TIME_WAIT, and a good-bye whose program has gone, are over after a minute or so.
void wait_for_the_dead(const Scene& scene) {
    constexpr int interval_ms = 100;
    constexpr int most_tries = 75'000 / interval_ms;
    HolderOptions options;
    options.owners = false;
    for (int tries = 0; tries < most_tries; ++tries) {
        const HolderReport report = find_holders(scene.asked.local, scene.asked.protocol, options);
        const bool is_any_dying = std::any_of(report.holders.begin(), report.holders.end(),
                                              [](const Holder& holder) { return holder.socket.inode == 0; });
        if (!is_any_dying) {
            return;
        }
        ::poll(nullptr, 0, interval_ms);
    }
}

Json json_of(const ProgramOutcome& outcome) {
    return {{"event", outcome.event},    {"call", outcome.call},        {"error", outcome.error},
            {"cause", outcome.cause},    {"exit", outcome.exit_status}, {"signal", outcome.signal},
            {"ended", outcome.was_ended}};
}

void read_program(const Json& json, ProgramOutcome& outcome) {
    outcome.event = json["event"];
    outcome.call = json["call"];
    outcome.error = json["error"];
    outcome.cause = json["cause"];
    outcome.exit_status = json["exit"];
    outcome.signal = json["signal"];
    outcome.was_ended = json["ended"];
}

/// Ignores what a terminal sends.
class DeafToTerminal {
public:
    DeafToTerminal() {
        for (std::size_t index = 0; index < signals.size(); ++index) {
            before_[index] = ::signal(signals[index], SIG_IGN);
        }
    }
    DeafToTerminal(const DeafToTerminal&) = delete;
    DeafToTerminal& operator=(const DeafToTerminal&) = delete;
    ~DeafToTerminal() {
        for (std::size_t index = 0; index < signals.size(); ++index) {
            ::signal(signals[index], before_[index]);
        }
    }

private:
    static constexpr std::array signals{SIGINT, SIGQUIT};
    std::array<sighandler_t, signals.size()> before_{};
};

/// Of the director: PROGRAM is about to start.
constexpr std::string_view program_starts = "\x02";

/// In a process of its own, which the namespace ends with.
Json direct(Scene scene, Fix fix, const ProgramPlan* plan, const Line& line) {
    ::signal(SIGPIPE, SIG_IGN);
    const DeafToTerminal deaf;
    // Whoever ends the command ends the wait for TIME_WAIT; PROGRAM is ended only by its own limit.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool other_users = enter_private_network(scene.uid);
    make_network(scene);
    StandIns stand_ins;
    Json answer;
    {
        Probe probe(scene, fix, other_users);
        stand_ins.start(scene, other_users);
        if (fix == Fix::wait) {
            wait_for_the_dead(scene);
        }
        const ProbeResult result = probe.run([&stand_ins] { stand_ins.stop(); });
        answer["probe"] = {{"error", result.error},
                           {"cured", result.is_cured},
                           {"cause", result.cause},
                           {"sentence", result.sentence}};
    }
    answer["missing"] = stand_ins.missing();
    if (plan != nullptr) {
        if (scene.holders_vanish) {
            stand_ins.start(scene, other_users);
        }
        ::prctl(PR_SET_PDEATHSIG, 0);
        line.send(program_starts);
        static_cast<void>(line.receive());
        answer["program"] = json_of(run_program(scene, fix, *plan, other_users));
    }
    return answer;
}

/// With what a terminal shows until PROGRAM, whose terminal it is then, starts.
std::string answer_of(const Child& director, const std::string& name) {
    const std::string what = name.empty() ? "making the condition" : "making the condition " + name;
    Progress progress;
    std::size_t seconds = 0;
    std::string message = director.receive(
        [&] { progress.say("portguard: " + what + ", " + std::to_string(++seconds) + " s"); });
    if (message != program_starts) {
        return message;
    }
    progress.clear();
    if (progress.is_terminal() && !name.empty()) {
        std::fprintf(stderr, "portguard: PROGRAM %s\n", name.c_str());
    }
    const DeafToTerminal deaf;
    director.send(program_starts);
    return director.receive();
}

} // namespace

Replay replay(const Scene& recorded, Fix fix, const ProgramPlan* program, const std::string& name) {
    const Scene scene = fixed(recorded, fix);
    const Child director([&](const Line& line) { line.send(direct(scene, fix, program, line).dump()); });
    const Json answer = Json::parse(answer_of(director, name));
    Replay replay;
    replay.fix = fix;
    replay.probe.error = answer["probe"]["error"];
    replay.probe.is_cured = answer["probe"]["cured"];
    replay.probe.cause = answer["probe"]["cause"];
    replay.probe.sentence = answer["probe"]["sentence"];
    replay.missing = scene.missing;
    for (const auto& clause : answer["missing"]) {
        replay.missing.push_back(clause);
    }
    if (answer.contains("program")) {
        read_program(answer["program"], replay.program.emplace());
    }
    return replay;
}

} // namespace portguard::tools
