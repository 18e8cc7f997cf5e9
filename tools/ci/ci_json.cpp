#include "tools/ci/ci_json.h"

#include <sys/wait.h>

#include "core/text.h"
#include "tools/common/json_text.h"

namespace portguard::tools {

std::string ci_json(const EventReport& report, const RunOutcome& outcome) {
    const int status = outcome.wait_status;
    Json document = Json::parse(events_json(report));
    document["command"] = "ci";
    document["exit_status"] = WIFEXITED(status) ? Json(WEXITSTATUS(status)) : Json(nullptr);
    document["signal"] = WIFSIGNALED(status) ? Json(WTERMSIG(status)) : Json(nullptr);
    document["coverage"] = trimmed(outcome.coverage);
    document["log"] = outcome.log;
    return text_of(document);
}

} // namespace portguard::tools
