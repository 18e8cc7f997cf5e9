// The fields of a journal entry beside MESSAGE, by which journalctl filters: `journalctl PORTGUARD_PORT=80`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explain/report.h"

namespace portguard {

struct JournalField {
    std::string_view name;
    std::string value;
};

/// What is not known has no field. Of several holders the one that decides.
std::vector<JournalField> journal_fields(const Report& report);

} // namespace portguard
