#include "tools/check/survey.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include <unistd.h>

#include "kernel/deadline.h"
#include "tools/check/cures_of_who.h"
#include "tools/common/netns.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// A node of Kubernetes has 110 pods as a rule.
constexpr std::size_t most_namespaces = 1024;
constexpr std::chrono::seconds longest_walk{30};

void judge(const Config& config, Surveyed& one) {
    one.plan = plan_for(config, one.facts);
    one.findings = find_all(one.facts, one.plan);
}

bool asks_who(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](const Finding& finding) { return finding.cured_as.has_value(); });
}

/// Those that could not be entered, by reason.
class NotEntered {
public:
    void add(int error) { count_[error] += error == ENOENT || error == ESRCH ? 0 : 1; }
    void skip() { ++skipped_; }

    void say(std::size_t hidden, std::vector<std::string>& missing) const {
        for (const auto& [error, count] : count_) {
            if (count != 0) {
                missing.push_back(counted(count, "network namespace") +
                                  (error == EPERM || error == EACCES
                                       ? " (entering them takes CAP_SYS_ADMIN; run as root)"
                                       : std::string(" (") + std::strerror(error) + ")"));
            }
        }
        if (hidden != 0) {
            missing.push_back("the network namespaces of " + std::to_string(hidden) +
                              (hidden == 1 ? " process" : " processes") +
                              " (which they are takes CAP_SYS_PTRACE to see; run as root)");
        }
        if (skipped_ != 0) {
            missing.push_back(counted(skipped_, "network namespace") + " (more than " +
                              std::to_string(most_namespaces) + ", or after " +
                              std::to_string(longest_walk.count()) + " s)");
        }
    }

private:
    std::map<int, std::size_t> count_;
    std::size_t skipped_ = 0;
};

/// Of each in `places`, which keeps those that were entered.
std::vector<HostFacts> look_into(std::vector<NetworkNamespace>& places, const FactsWish& wish,
                                 NotEntered& not_entered) {
    std::vector<HostFacts> facts;
    std::vector<NetworkNamespace> entered;
    const Deadline deadline(longest_walk);
    for (const NetworkNamespace& place : places) {
        if (entered.size() == most_namespaces || deadline.passed()) {
            not_entered.skip();
            continue;
        }
        const VisitedNamespace visited(place);
        if (visited.error() != 0) {
            not_entered.add(visited.error());
            continue;
        }
        facts.push_back(look_around(wish));
        entered.push_back(place);
    }
    places = std::move(entered);
    return facts;
}

void add_cures_inside(const Config& config, Surveyed& one) {
    if (!asks_who(one.findings)) {
        return;
    }
    const VisitedNamespace visited(one.place);
    if (visited.error() == 0) {
        add_cures(one.findings, config, netns_prefix(one.place.value()));
    }
}

void add_sums(const std::vector<Finding>& findings, std::array<std::size_t, 3>& sums) {
    for (const Finding& finding : findings) {
        ++sums[static_cast<std::size_t>(finding.severity)];
    }
}

} // namespace

std::array<std::size_t, 3> sums_of(const Survey& survey) {
    std::array<std::size_t, 3> sums{};
    add_sums(survey.own.findings, sums);
    for (const Surveyed& other : survey.others) {
        add_sums(other.findings, sums);
    }
    return sums;
}

Survey survey_one(const Arguments& arguments, const Config& config, const FactsWish& wish) {
    Survey survey;
    survey.own.facts = gather_facts(wish);
    survey.own.facts.as_root = as_root_prefix(arguments);
    survey.own.facts.as_user = netns_prefix(arguments).empty() ? "" : survey.own.facts.as_root;
    judge(config, survey.own);
    add_cures(survey.own.findings, config, netns_prefix(arguments));
    return survey;
}

Survey survey_all(const Config& config, const FactsWish& wish) {
    NamespaceSearch search = find_namespaces();
    NotEntered not_entered;
    std::vector<HostFacts> facts = look_into(search.found, wish, not_entered);
    facts.insert(facts.begin(), look_around(wish));
    add_processes(wish, facts);
    const std::string sudo = geteuid() == 0 ? "" : "sudo ";
    Survey survey{.own = {.facts = std::move(facts.front())}, .has_others = true, .others = {}};
    survey.own.facts.as_root = sudo;
    not_entered.say(search.hidden, survey.own.facts.missing);
    judge(config, survey.own);
    add_cures(survey.own.findings, config, "");
    for (std::size_t at = 0; at < search.found.size(); ++at) {
        Surveyed one{.place = std::move(search.found[at]), .facts = std::move(facts[at + 1])};
        one.facts.as_root = one.facts.as_user = sudo + netns_prefix(one.place.value());
        judge(config, one);
        add_cures_inside(config, one);
        survey.others.push_back(std::move(one));
    }
    return survey;
}

} // namespace portguard::tools
