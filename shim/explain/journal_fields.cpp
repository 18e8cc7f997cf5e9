#include "explain/journal_fields.h"

#include "core/text.h"
#include "explain/catalog.h"
#include "explain/holder_summary.h"
#include "explain/unix_case.h"

namespace portguard {
namespace {

class FieldList {
public:
    void add(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            list_.push_back({name, std::string(value)});
        }
    }
    void add_number(std::string_view name, std::int64_t number) {
        add(name, number <= 0 ? std::string() : std::to_string(number));
    }
    [[nodiscard]] std::vector<JournalField> take() { return std::move(list_); }

private:
    std::vector<JournalField> list_;
};

std::string address_of(const Event& event) {
    Text<64> text;
    print_address(event.asked, text);
    return event.unix_name.empty() ? std::string(text.view()) : shown_unix_name(event.unix_name);
}

std::string unit_of(const Manager& manager) {
    const bool is_unit = manager.kind == Manager::Kind::unit || manager.kind == Manager::Kind::user_unit;
    return is_unit ? manager.name : std::string();
}

void add_holder(FieldList& fields, const Report& report) {
    const Holder* const holder = report.explanation.holder;
    if (holder == nullptr) {
        return;
    }
    fields.add("PORTGUARD_HOLDER_STATE", state_name(holder->socket.state));
    if (holder->owners.empty()) {
        return;
    }
    const ProcessInfo& process = report.facts.holders.process_of(holder->owners.front());
    fields.add_number("PORTGUARD_HOLDER_PID", process.pid);
    fields.add("PORTGUARD_HOLDER_COMM", process.comm);
    fields.add("PORTGUARD_HOLDER_UNIT", unit_of(report.facts.owner.manager));
}

} // namespace

std::vector<JournalField> journal_fields(const Report& report) {
    const Event& event = report.facts.event;
    FieldList fields;
    fields.add("MESSAGE_ID", message_id(report.explanation.cause));
    fields.add("PORTGUARD_CAUSE", cause_name(report.explanation.cause));
    fields.add("PORTGUARD_KIND", event_name(event.kind));
    fields.add("PORTGUARD_CALL", call_name(event.call));
    fields.add("PORTGUARD_ERRNO", event.error == 0 ? std::string() : describe_errno(event.error));
    fields.add("PORTGUARD_PROTOCOL", event.unix_name.empty() ? protocol_name(event.protocol) : "unix");
    fields.add("PORTGUARD_ADDRESS", address_of(event));
    fields.add_number("PORTGUARD_PORT", event.asked.port);
    fields.add_number("PORTGUARD_PID", event.pid);
    fields.add("PORTGUARD_EXE", report.facts.exe);
    add_holder(fields, report);
    return fields.take();
}

} // namespace portguard
