// Events that the plan or an option of ours makes.
#include <cerrno>

#include "core/outgoing.h"
#include "core/text.h"
#include "explain/cause_rule.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

std::string known_reason(const Case& c) {
    Text<256> reason;
    print_known_reason(c.facts.event, *c.facts.config, reason);
    return std::string(reason.view());
}

/// The plan with the port in it: as a pair, since one that meets its ephemeral range would be refused.
void widen_plan(const Case& c, CureList& list) {
    const std::uint16_t port = c.facts.event.asked.port;
    const Config& config = *c.facts.config;
    const PortRange rest = without_port(config.ephemeral, port);
    PortSet listen = config.listen;
    listen.insert({port, port});
    Text<256> plan;
    print_port_set(listen, plan);
    std::string command = "PORTGUARD_LISTEN=" + std::string(plan.view());
    if (rest != config.ephemeral) {
        command += " PORTGUARD_EPHEMERAL=" + range_text(rest);
    }
    if (!plan.truncated() && !rest.contains(port)) {
        list.lasting(std::move(command));
    }
    Text<excerpt_length + 1> now;
    print_port_set(config.listen, now);
    Text<excerpt_length + 1> excerpt;
    excerpt.add_excerpt(now.view());
    list.another_port("move the server to a port of " + std::string(excerpt.view()));
    // Open MPI and RabbitMQ try one port after another, and give up on any other errno.
    if (c.facts.event.error != EADDRINUSE) {
        list.lasting("PORTGUARD_DENY_ERRNO=EADDRINUSE for a program that tries one port after another");
    }
}

bool is_in_range(const Case& c, EvidenceList& seen) {
    return c.is(EventKind::ephemeral_listener) &&
           seen.that(true,
                     "port " + std::to_string(c.facts.event.asked.port) + " lies inside " +
                         range_text(c.facts.host.ports.range),
                     seen_by::range);
}

} // namespace

const CauseRule outside_plan{
    [](const Case& c, EvidenceList& seen) {
        return c.is(EventKind::refused) && seen.that(true, "the port is " + known_reason(c), seen_by::plan);
    },
    [](const Case& c) { return "the port is " + known_reason(c); },
    widen_plan,
};

const CauseRule ephemeral_range{
    is_in_range,
    [](const Case& c) {
        return "the port lies inside ip_local_port_range (" + range_text(c.facts.host.ports.range) +
               "): any outgoing connection may be given it before the next start";
    },
    [](const Case&, CureList& list) { list.keep_outgoing_off(); },
};

const CauseRule injected{
    [](const Case& c, EvidenceList& seen) {
        return c.is(EventKind::injected) && seen.that(true, known_reason(c), seen_by::plan);
    },
    [](const Case& c) { return "nothing is wrong: " + known_reason(c) + " asked for this failure"; },
    [](const Case&, CureList& list) { list.lasting("take inject out of the options"); },
};

} // namespace portguard::causes
