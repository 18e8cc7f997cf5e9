#include "tools/check/json_parts.h"

#include "tools/common/port_text.h"

namespace portguard::tools {

Json json_of(const PortPlan& plan) {
    return {{"listen", text_of(plan.listen)},
            {"listen_given", plan.listen_given},
            {"ephemeral", json_of(plan.ephemeral)},
            {"ephemeral_given", plan.ephemeral_given}};
}

Json json_of(const HostFacts& facts, std::span<const pid_t> pids) {
    Json processes = Json::array();
    for (const pid_t pid : pids) {
        const auto process = facts.processes.find(pid);
        const bool is_known = process != facts.processes.end() && !process->second.comm.empty();
        processes.push_back({{"pid", pid},
                             {"comm", is_known ? Json(process->second.comm) : Json(nullptr)},
                             {"uid", is_known ? or_null(process->second.uid) : Json(nullptr)}});
    }
    return processes;
}

} // namespace portguard::tools
