#include "tools/repro/call_probe.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "core/policy.h"
#include "core/snapshot.h"
#include "kernel/diag_message.h"
#include "kernel/port_look.h"
#include "kernel/socket_address.h"
#include "kernel/socket_option.h"
#include "tools/common/condition.h"
#include "tools/common/condition_states.h"
#include "tools/common/explain_helper.h"
#include "tools/repro/scene_process.h"

namespace portguard::tools {
namespace {

constexpr std::string_view go = "go";
constexpr std::string_view ready = "ready";
constexpr std::string_view called = "called";

struct Asking {
    int fd = -1;
    int error = 0;
    bool is_cured = false;
};

int open_asking_socket(const WantedSocket& asked) {
    const SocketAddress address = socket_address(asked.local);
    const int type = asked.protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM;
    const int protocol = asked.protocol == Protocol::mptcp ? IPPROTO_MPTCP : 0;
    const int fd = ::socket(address.family(), type | SOCK_CLOEXEC, protocol);
    if (fd < 0) {
        throw ConditionError(asked, errno);
    }
    if (address.family() == AF_INET6) {
        set_socket_switch(fd, IPPROTO_IPV6, IPV6_V6ONLY, asked.local.v6only);
    }
    set_socket_switch(fd, SOL_SOCKET, SO_REUSEADDR, asked.reuseaddr);
    set_socket_switch(fd, SOL_SOCKET, SO_REUSEPORT, asked.reuseport);
    return fd;
}

int bind_errno(int fd, const SocketAddress& address) {
    return ::bind(fd, address.get(), address.length()) == 0 ? 0 : errno;
}

/// The guard's own decision.
bool may_be_cured(const WantedSocket& asked, int fd) {
    const Protocol protocol = asked.protocol == Protocol::unknown ? Protocol::tcp : asked.protocol;
    const SocketFacts facts = SocketFacts::of(protocol);
    struct stat file {};
    if (!may_try_cure(Config{}, asked.reuseaddr ? facts.with_chosen_reuseaddr() : facts) ||
        ::fstat(fd, &file) != 0) {
        return false;
    }
    constexpr unsigned budget_ms = 10000;
    std::array<std::byte, dump_datagram_size> answers;
    return look_at_port(asked.local, file.st_ino, answers, budget_ms).may_cure();
}

/// As the guard does it: as the program asked, and after EADDRINUSE once more with SO_REUSEADDR.
void bind_with_cure(const Scene& scene, const SocketAddress& address, bool cures, Asking& asking) {
    asking.error = bind_errno(asking.fd, address);
    if (asking.error != EADDRINUSE || !cures || !may_be_cured(scene.asked, asking.fd)) {
        return;
    }
    set_socket_switch(asking.fd, SOL_SOCKET, SO_REUSEADDR, true);
    asking.error = bind_errno(asking.fd, address);
    asking.is_cured = asking.error == 0;
    set_socket_switch(asking.fd, SOL_SOCKET, SO_REUSEADDR, false);
}

/// The plan is the guard's: the kernel is not asked.
int refusal_errno(const Scene& scene, const SocketAddress& address) {
    Config config;
    Sentence why;
    config.has_listen = parse_port_set(scene.listen, config.listen, why);
    const Target target = read_target(address.get(), address.length());
    const Verdict verdict =
        decide_bind(config, OutgoingPlan{}, SocketFacts::of(scene.asked.protocol), target);
    return verdict.before == Before::refuse ? scene.error : 0;
}

void make_call(const Scene& scene, Fix fix, Asking& asking) {
    const SocketAddress address = socket_address(scene.asked.local);
    const auto outcome = [](int result) { return result == 0 ? 0 : errno; };
    if (scene.kind == EventKind::refused) {
        asking.error = refusal_errno(scene, address);
    } else if (scene.call == Call::listen && asking.error == 0) {
        asking.error = outcome(::listen(asking.fd, SOMAXCONN));
    } else if (scene.call == Call::connect) {
        make_nonblocking(asking.fd);
        asking.error = outcome(::connect(asking.fd, address.get(), address.length()));
        asking.error = asking.error == EINPROGRESS ? 0 : asking.error;
    } else if (scene.call == Call::bind) {
        bind_with_cure(scene, address, fix == Fix::reuseaddr || scene.kind == EventKind::cured, asking);
    }
}

/// What the guard would report of the call, by the very file that it executes.
std::string diagnose(const Scene& scene, const Asking& asking, const Explainer& explainer) {
    Snapshot snapshot;
    Sentence why;
    snapshot.config.format = Format::json;
    snapshot.config.limits.budget_ms = 10000;
    snapshot.config.limits.stack_depth = 0;
    snapshot.config.has_listen =
        !scene.listen.empty() && parse_port_set(scene.listen, snapshot.config.listen, why);
    snapshot.kind = asking.is_cured ? EventKind::cured : scene.kind;
    snapshot.call = scene.call;
    snapshot.facts = SocketFacts::of(scene.asked.protocol);
    snapshot.stderr_is_ours = true;
    snapshot.fd = asking.fd;
    snapshot.error = asking.error;
    snapshot.pid = ::getpid();
    snapshot.tid = ::gettid();
    if (scene.call != Call::listen) {
        const SocketAddress address = socket_address(scene.asked.local);
        snapshot.address_length = address.length();
        std::memcpy(snapshot.address, address.get(), address.length());
    }
    scene.comm.copy(snapshot.program, sizeof snapshot.program - 1);
    return explainer.report(snapshot, asking.fd);
}

/// A call that goes through is told where it is cured, or puts a port at risk.
bool is_worth_telling(const Scene& scene, const Asking& asking) {
    const bool is_at_risk = scene.kind == EventKind::ephemeral_listener &&
                            scene.ephemeral.contains(scene.asked.local.endpoint.port);
    return asking.error != 0 || asking.is_cured || is_at_risk;
}

void ask(const Scene& scene, Fix fix, bool other_users, const Line& line) {
    ::prctl(PR_SET_NAME, scene.comm.c_str());
    const Explainer explainer;
    enter_asking_process(scene, other_users);
    Asking asking;
    asking.fd = open_asking_socket(scene.asked);
    if (scene.call == Call::listen) {
        asking.error = bind_errno(asking.fd, socket_address(scene.asked.local));
    }
    line.send(ready);
    static_cast<void>(line.receive());
    Condition own;
    own.add(scene.own);
    make_call(scene, fix, asking);
    if (scene.holders_vanish) {
        line.send(called);
        static_cast<void>(line.receive());
    }
    const std::string event = is_worth_telling(scene, asking) ? diagnose(scene, asking, explainer) : "";
    nlohmann::json answer = {{"error", asking.error}, {"cured", asking.is_cured}, {"event", event}};
    line.send(answer.dump());
}

} // namespace

Probe::Probe(const Scene& scene, Fix fix, bool other_users)
    : scene_(scene), process_([&, fix](const Line& line) { ask(scene, fix, other_users, line); }) {
    static_cast<void>(process_.receive());
}

ProbeResult Probe::run(const std::function<void()>& let_go) {
    process_.send(go);
    if (scene_.holders_vanish) {
        static_cast<void>(process_.receive());
        let_go();
        process_.send(go);
    }
    const auto answer = nlohmann::json::parse(process_.receive());
    ProbeResult result;
    result.error = answer["error"];
    result.is_cured = answer["cured"];
    const ParsedEvent event = parse_event(answer["event"].get<std::string>());
    if (event.event.has_value()) {
        result.cause = event.event->cause;
        result.sentence = event.event->sentence;
    }
    return result;
}

} // namespace portguard::tools
