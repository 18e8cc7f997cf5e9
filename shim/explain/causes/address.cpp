// EADDRNOTAVAIL: no interface has the address, or not as it was asked for.
#include "core/text.h"
#include "explain/cause_rule.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

constexpr std::string_view interfaces = "getifaddrs(3)";
constexpr std::string_view ipv6_interfaces = "/proc/net/if_inet6";
constexpr std::string_view interface_flags = "netdevice(7)";
constexpr std::string_view ipv6_settings = "/proc/sys/net/ipv6/conf";

const AddressFacts* facts_of(const Case& c) {
    return c.is(EventKind::unavailable) && c.facts.address.has_value() ? &*c.facts.address : nullptr;
}

bool is_ipv6(const Case& c) {
    return c.facts.socket.address.endpoint.family == Family::ipv6;
}

std::string asked_address(const Case& c) {
    Text<64> out;
    print_address(c.facts.socket.address.endpoint, out);
    return std::string(out.view());
}

std::string nonlocal_setting(const Case& c) {
    return std::string("net.") + (is_ipv6(c) ? "ipv6" : "ipv4") + ".ip_nonlocal_bind=1";
}

std::string prefix_length(const Case& c) {
    return is_ipv6(c) ? "/128" : "/32";
}

bool is_disabled(const Case& c, EvidenceList& seen) {
    const AddressFacts* const facts = facts_of(c);
    return facts != nullptr && is_ipv6(c) && facts->interface.empty() &&
           (seen.that(!facts->disabled_by.empty(), facts->disabled_by + " is 1", ipv6_settings) ||
            seen.that(!facts->has_ipv6, "the file is not there", ipv6_interfaces));
}

std::string disabled_sentence(const Case& c) {
    return c.facts.address->disabled_by.empty()
               ? "this kernel was started without IPv6, so that no interface has " + asked_address(c)
               : "IPv6 is switched off (" + c.facts.address->disabled_by + "=1), so that no interface has " +
                     asked_address(c);
}

void cure_disabled(const Case& c, CureList& list) {
    if (!c.facts.address->disabled_by.empty()) {
        list.now_if(list.sysctl(c.facts.address->disabled_by + "=0"));
    }
    list.lasting("an IPv4 address in the program's configuration, or IPv6 switched on at boot");
}

/// Of the loopback address, which lo gives up when it goes down; others stay, and tentative.
bool is_down(const Case& c, EvidenceList& seen) {
    const AddressFacts* const facts = facts_of(c);
    if (facts == nullptr) {
        return false;
    }
    return facts->interface.empty()
               ? seen.that(facts->is_loopback_down, "lo is down", interfaces)
               : facts->is_tentative && !facts->is_duplicate &&
                     seen.that(!facts->is_interface_up, facts->interface + " is down", interface_flags) &&
                     seen.that(true, asked_address(c) + " on " + facts->interface + " is tentative",
                               ipv6_interfaces);
}

std::string down_sentence(const Case& c) {
    const std::string& interface = c.facts.address->interface;
    return interface.empty()
               ? "lo is down in this network namespace, so that no interface has " + asked_address(c)
               : interface + ", which has " + asked_address(c) + ", is down";
}

void cure_down(const Case& c, CureList& list) {
    const std::string& interface = c.facts.address->interface;
    list.now_if(list.as_admin("ip link set " + (interface.empty() ? "lo" : interface) + " up"));
}

bool is_tentative(const Case& c, EvidenceList& seen) {
    const AddressFacts* const facts = facts_of(c);
    const std::string where = facts == nullptr ? "" : asked_address(c) + " on " + facts->interface;
    return facts != nullptr &&
           (seen.that(facts->is_duplicate, where + " has failed duplicate address detection",
                      ipv6_interfaces) ||
            (seen.that(facts->is_tentative, where + " is tentative", ipv6_interfaces) &&
             (facts->has_carrier || seen.that(true, facts->interface + " has no carrier", interface_flags))));
}

std::string tentative_sentence(const Case& c) {
    const AddressFacts& facts = *c.facts.address;
    if (facts.is_duplicate) {
        return "another host has " + asked_address(c) + " already: " + facts.interface +
               " failed duplicate address detection";
    }
    return asked_address(c) + " on " + facts.interface + " is tentative: duplicate address detection " +
           (facts.has_carrier ? "is not over, which takes a second or two"
                              : "waits for a carrier, which " + facts.interface + " does not have");
}

void cure_tentative(const Case& c, CureList& list) {
    const AddressFacts& facts = *c.facts.address;
    if (facts.is_duplicate) {
        list.lasting("another address for one of the two hosts");
        return;
    }
    if (facts.has_carrier) {
        list.now("sleep 3, and start it again");
    }
    // `ip address change … nodad` does not end a detection that has begun (m).
    const std::string there =
        asked_address(c) + "/" + std::to_string(facts.prefix_length) + " dev " + facts.interface;
    const std::string remove = list.as_admin("ip address del " + there);
    list.now_if(remove.empty() ? remove
                               : remove + " && " + list.as_admin("ip address add " + there + " nodad"));
    list.lasting_if(list.sysctl(nonlocal_setting(c)));
}

bool is_on_other_link(const Case& c, EvidenceList& seen) {
    const AddressFacts* const facts = facts_of(c);
    return facts != nullptr && !facts->interface.empty() && facts->interface != facts->asked_interface &&
           c.facts.socket.address.device != 0 &&
           seen.that(true, asked_address(c) + " is an address of " + facts->interface,
                     is_ipv6(c) ? ipv6_interfaces : interfaces);
}

std::string other_link_sentence(const Case& c) {
    const std::string asked = interface_name(c.facts.socket.address.device);
    return asked_address(c) + " is an address of " + c.facts.address->interface +
           ", and the program asked for it on " + asked;
}

void cure_other_link(const Case& c, CureList& list) {
    const std::string& interface = c.facts.address->interface;
    list.lasting(c.facts.socket.address.endpoint.is_link_local()
                     ? asked_address(c) + "%" + interface + " in the program's configuration"
                     : "SO_BINDTODEVICE to " + interface + " in the program, or to none");
}

bool is_absent(const Case& c, EvidenceList& seen) {
    return c.is(EventKind::unavailable) && seen.that(true, "the kernel said EADDRNOTAVAIL", seen_by::call) &&
           (!c.facts.address.has_value() || !c.facts.address->interface.empty() ||
            seen.that(true, "no interface has " + asked_address(c),
                      is_ipv6(c) ? ipv6_interfaces : interfaces));
}

std::string absent_sentence(const Case& c) {
    if (c.facts.address.has_value() && !c.facts.address->interface.empty()) {
        return asked_address(c) + " is an address of " + c.facts.address->interface +
               ", and the kernel refuses it to this socket: a VRF, or it was added meanwhile";
    }
    return "no interface of this network namespace has the address " + asked_address(c);
}

void cure_absent(const Case& c, CureList& list) {
    if (c.facts.address.has_value() && c.facts.address->interface.empty()) {
        list.now_if(list.as_admin("ip address add " + asked_address(c) + prefix_length(c) + " dev lo"));
    }
    if (c.facts.address.has_value() && !c.facts.address->is_nonlocal_allowed &&
        c.facts.event.call == Call::bind) {
        list.lasting_if(list.sysctl(nonlocal_setting(c)));
    }
    list.lasting("an address that is here (`ip address`), or start the program after the network");
}

/// "localhost" is ::1 and 127.0.0.1, and programs try both.
std::string no_source_sentence(const Case& c) {
    std::string start = "no address of this network namespace reaches " + asked_address(c);
    if (!c.facts.address.has_value() || !is_ipv6(c)) {
        return start;
    }
    if (c.facts.address->is_loopback_down && c.facts.address->disabled_by.empty()) {
        return start + ": lo is down (`ip link set lo up`)";
    }
    const std::string& setting = c.facts.address->disabled_by;
    return setting.empty() ? start + (c.facts.address->has_ipv6 ? "" : ": this kernel has no IPv6")
                           : start + ": IPv6 is switched off (`sysctl -w " + setting + "=0` switches it on)";
}

} // namespace

const CauseRule no_source_address{
    [](const Case& c, EvidenceList& seen) {
        return c.is(EventKind::unavailable) && c.facts.event.call == Call::connect &&
               seen.that(true, "the kernel said EADDRNOTAVAIL, and to a UDP socket as well", seen_by::call);
    },
    no_source_sentence,
    [](const Case& c, CureList& list) {
        if (!c.facts.address.has_value()) {
            return;
        }
        if (!c.facts.address->disabled_by.empty()) {
            list.now_if(list.sysctl(c.facts.address->disabled_by + "=0"));
        }
        if (c.facts.address->is_loopback_down) {
            list.now_if(list.as_admin("ip link set lo up"));
        }
    },
};
const CauseRule ipv6_disabled{is_disabled, disabled_sentence, cure_disabled};
const CauseRule tentative_address{is_tentative, tentative_sentence, cure_tentative};
const CauseRule address_of_other_link{is_on_other_link, other_link_sentence, cure_other_link};
const CauseRule interface_down{is_down, down_sentence, cure_down};
const CauseRule no_such_address{is_absent, absent_sentence, cure_absent};

} // namespace portguard::causes
