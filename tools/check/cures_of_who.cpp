#include "tools/check/cures_of_who.h"

#include "tools/who/who_answer.h"

namespace portguard::tools {
namespace {

// Each reads /proc: a host with so many such findings has one reason for most of them.
constexpr std::size_t most_asked = 16;

/// Those for now before `finding.fix`, those for good behind it, unless a reservation is the one for good.
void add_cures(Finding& finding, const Config& config, const std::string& inside) {
    const AskedPort asked{every_address(finding.cured_as->port), false};
    const WhoAnswer answer = ask_who({asked, finding.cured_as->protocol, inside}, config);
    if (!answer.is_held()) {
        return; // it has ended meanwhile
    }
    std::string now;
    for (const Cure& cure : cures_for(answer.facts, explain(answer.facts))) {
        if (!cure.lasting) {
            now += cure.command + "\n";
        } else if (finding.reserve.empty()) {
            finding.fix += "# for good: " + cure.command + "\n";
        }
    }
    finding.fix.insert(0, now);
}

} // namespace

void add_cures(std::vector<Finding>& findings, const Config& config, const std::string& inside) {
    std::size_t asked = 0;
    for (Finding& finding : findings) {
        if (!finding.cured_as.has_value()) {
            continue;
        }
        if (asked++ < most_asked) {
            add_cures(finding, config, inside);
        } else {
            const char* const udp = finding.cured_as->protocol == Protocol::udp ? "--udp " : "";
            std::string command = inside + "portguard who ";
            command.append(udp).append(std::to_string(finding.cured_as->port)).append("\n");
            finding.fix.insert(0, command);
        }
    }
}

} // namespace portguard::tools
