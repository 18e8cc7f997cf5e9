#include "tools/who/who_unix.h"

#include <filesystem>
#include <system_error>

#include "explain/holder_json.h"
#include "explain/holder_summary.h"
#include "explain/text_block.h"
#include "explain/unix_case.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr std::chrono::seconds look_up_budget{10};
constexpr std::size_t most_holders = 6;

std::string name_of(const std::string& word) {
    return word.starts_with('@') ? std::string(1, '\0') + word.substr(1) : word;
}

std::string_view cause_of(UnixCase found) {
    switch (found) {
    case UnixCase::listener: return "unix_listener";
    case UnixCase::bound: return "unix_bound";
    case UnixCase::stale: return "unix_stale";
    case UnixCase::not_a_socket: return "unix_not_a_socket";
    case UnixCase::vanished: return "unix_vanished";
    case UnixCase::unknown: break;
    }
    return "unknown";
}

/// What can be pasted; empty: nothing can.
std::string cure_of(const UnixAnswer& answer) {
    if (case_of(answer.look) != UnixCase::stale) {
        return {};
    }
    std::error_code error;
    return removal(answer.look, std::filesystem::absolute(answer.word, error).lexically_normal().string(),
                   Removal::plain);
}

void add_holder(const HolderReport& report, const Holder& holder, TextBlock& block) {
    block.add_cut("holder", describe_holder(report, holder));
    if (!holder.owners.empty()) {
        block.add_cut("holder", "  " + describe_first_owner(report, holder));
    }
}

} // namespace

bool is_unix_name(const std::string& word) {
    const std::size_t slash = word.find('/');
    if (slash == std::string::npos || word.starts_with('@')) {
        return slash != std::string::npos || word.starts_with('@');
    }
    const auto is_protocol = [](const std::string& part) { return part == "tcp" || part == "udp"; };
    const std::string before = word.substr(0, slash);
    const std::string behind = word.substr(slash + 1);
    constexpr std::string_view of_ports = "0123456789,-";
    const bool is_number = slash != 0 && word.find_first_not_of(of_ports) == slash;
    // "tcp/80", turned round, is a mistake about a port.
    const bool is_turned = is_protocol(before) && behind.find_first_not_of(of_ports) == std::string::npos;
    return !is_number && !is_turned && (slash == 0 || !is_protocol(behind));
}

bool UnixAnswer::is_held() const {
    return case_of(look) != UnixCase::vanished;
}

UnixAnswer ask_who_has_name(const std::string& word) {
    HolderOptions options;
    options.budget = look_up_budget;
    return {word, look_at_unix_name(name_of(word), options)};
}

std::string unix_text(const UnixAnswer& answer, const TextShape& shape) {
    const HolderReport& report = answer.look.report;
    TextBlock block =
        block_for("unix " + shown(answer.word) + (answer.is_held() ? " is held" : " is free"), shape);
    block.add("verdict", std::string("a bind: ") + (answer.is_held() ? "EADDRINUSE" : "would succeed"));
    if (answer.is_held()) {
        block.add("cause", unix_sentence(answer.look, shown(answer.word)));
    }
    for (std::size_t index = 0; index < std::min(report.holders.size(), most_holders); ++index) {
        add_holder(report, report.holders[index], block);
    }
    if (const std::string cure = cure_of(answer); !cure.empty()) {
        block.add("now", cure);
    }
    for (const std::string& what : report.missing) {
        block.add("missing", what);
    }
    return block.text() + "\n";
}

std::string unix_json(const UnixAnswer& answer) {
    const HolderReport& report = answer.look.report;
    const bool held = answer.is_held();
    Json holders = Json::array();
    for (const Holder& holder : report.holders) {
        holders.push_back(holder_json(report, holder, own_netns()));
    }
    Json cures = Json::array();
    if (const std::string cure = cure_of(answer); !cure.empty()) {
        cures.push_back({{"when", "now"}, {"command", cure}});
    }
    return text_of(Json{
        {"schema", json_schema_version},
        {"protocol", protocol_name(Protocol::unix_domain)},
        {"port", 0},
        {"address", answer.word},
        {"held", held},
        {"plain_bind", held ? Json("EADDRINUSE") : Json(nullptr)},
        {"reuseaddr_bind", nullptr},
        {"holders", std::move(holders)},
        {"cause", held ? Json(cause_of(case_of(answer.look))) : Json(nullptr)},
        {"sentence", held ? Json(unix_sentence(answer.look, answer.word)) : Json(nullptr)},
        {"cures", std::move(cures)},
        {"also_listens", Json::array()},
        {"missing", report.missing},
    });
}

} // namespace portguard::tools
