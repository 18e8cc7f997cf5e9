// EACCES of a bind.
#include <vector>

#include "explain/cause_rule.h"
#include "explain/holder_summary.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

constexpr std::string_view port_start = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
constexpr std::string_view status = "/proc/PID/status";

bool is_low_port(const Case& c) {
    return c.facts.host.unprivileged_port_start.has_value() &&
           c.facts.event.asked.port < *c.facts.host.unprivileged_port_start;
}

bool is_privileged(const Case& c, EvidenceList& seen) {
    return c.is(EventKind::privileged) && c.facts.sandbox.has_value() && is_low_port(c) &&
           seen.that(c.facts.sandbox->may_bind_low_ports == false,
                     "the process lacks CAP_NET_BIND_SERVICE in this network namespace", status) &&
           seen.that(true,
                     "port " + std::to_string(c.facts.event.asked.port) + " is below " +
                         std::to_string(*c.facts.host.unprivileged_port_start),
                     port_start);
}

std::string privileged_sentence(const Case& c) {
    return "ports below " + std::to_string(*c.facts.host.unprivileged_port_start) +
           " (ip_unprivileged_port_start) need CAP_NET_BIND_SERVICE, which this process does not have";
}

void cure_privileged(const Case& c, CureList& list) {
    list.lasting_if(list.sysctl("net.ipv4.ip_unprivileged_port_start=" + list.port()));
    if (!c.facts.exe.empty() && c.facts.rights.euid != 0) {
        list.lasting("AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, or a port from " +
                     std::to_string(*c.facts.host.unprivileged_port_start) + " on");
    }
}

/// Each that could have refused it, as far as it shows.
std::vector<std::string> suspects(const SandboxFacts& sandbox) {
    std::vector<std::string> words;
    if (sandbox.landlock_layers.value_or(0) != 0) {
        words.push_back("Landlock (" + std::to_string(*sandbox.landlock_layers) +
                        (*sandbox.landlock_layers == 1 ? " ruleset" : " rulesets") + " in force)");
    }
    if (!sandbox.label.empty()) {
        words.push_back(sandbox.module + " (" + harmless(sandbox.label) + ")");
    }
    if (sandbox.is_filtered) {
        words.emplace_back("a seccomp filter");
    }
    return words;
}

bool is_sandboxed(const Case& c, EvidenceList& seen) {
    if (!c.is(EventKind::privileged) || !c.facts.sandbox.has_value()) {
        return false;
    }
    const SandboxFacts& sandbox = *c.facts.sandbox;
    const bool is_allowed =
        c.facts.host.unprivileged_port_start.has_value() && !is_low_port(c)
            ? seen.that(true,
                        "port " + std::to_string(c.facts.event.asked.port) + " is not below " +
                            std::to_string(*c.facts.host.unprivileged_port_start),
                        port_start)
            : seen.that(sandbox.may_bind_low_ports == true, "the process has CAP_NET_BIND_SERVICE", status);
    if (!is_allowed) {
        return false;
    }
    seen.that(sandbox.landlock_layers.value_or(0) != 0,
              "Landlock takes fewer than 16 more rulesets of this process", "landlock_restrict_self(2)");
    seen.that(!sandbox.label.empty(), sandbox.module + " label " + harmless(sandbox.label),
              "/proc/PID/attr/current");
    seen.that(sandbox.is_filtered, "a seccomp filter is in force", status);
    return true;
}

std::string sandbox_sentence(const Case& c) {
    const auto words = suspects(*c.facts.sandbox);
    const std::string start = "not the port's number, which this process may bind: ";
    if (words.empty()) {
        return start +
               "a security module refuses it, and none shows here (not Landlock, no seccomp filter, no "
               "SELinux or AppArmor label)";
    }
    return start + (words.size() == 1 ? "the sandbox of the process refuses it: " + words.front()
                                      : "one of its sandboxes refuses it: " + listed(words));
}

void cure_sandbox(const Case& c, CureList& list) {
    const SandboxFacts& sandbox = *c.facts.sandbox;
    if (sandbox.landlock_layers.value_or(0) != 0) {
        list.lasting("in whoever sets the Landlock ruleset up: a rule with LANDLOCK_ACCESS_NET_BIND_TCP for "
                     "port " +
                     list.port());
    }
    if (sandbox.module == "SELinux") {
        list.lasting("ausearch -m avc -ts recent shows the refusal; semanage port -a -t TYPE -p " +
                     std::string(protocol_name(c.facts.event.protocol)) + " " + list.port() + " allows it");
    } else if (!sandbox.label.empty()) {
        list.lasting("journalctl -k -g apparmor shows the refusal; allow it in that profile");
    }
    if (sandbox.is_filtered) {
        list.lasting("SocketBindAllow=" + list.port() +
                     " or SystemCallFilter= in the unit, if that is who set the filter up");
    }
}

} // namespace

const CauseRule privileged_port{is_privileged, privileged_sentence, cure_privileged};
const CauseRule sandbox{is_sandboxed, sandbox_sentence, cure_sandbox};

} // namespace portguard::causes
