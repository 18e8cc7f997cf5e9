#include "explain/explain.h"

#include <utility>

#include "explain/cause.h"
#include "explain/cures.h"
#include "explain/free_port.h"
#include "explain/render_json.h"
#include "explain/render_text.h"
#include "explain/report.h"

namespace portguard {
ExplainedEvent explain_snapshot(const ReadSnapshot& read, const SnapshotFiles& files,
                                std::vector<pid_t> own_processes, const Deadline& deadline, bool coloured) {
    const Snapshot& snapshot = read.snapshot;
    const Config& config = snapshot.config;
    ProgramMemory memory({stack_pointer_of(snapshot), read.stack}, read_program_map(files.maps),
                         snapshot.has_memory ? files.memory : -1);
    Facts facts = gather_facts({snapshot, snapshot.socket_stands_in ? -1 : files.socket, memory,
                                files.snapshot, deadline, std::move(own_processes)});
    Explanation explanation = explain(facts);
    ask_free_port(facts, explanation, deadline);
    std::vector<Cure> cures = cures_for(facts, explanation);
    const Report report{facts, std::move(explanation), std::move(cures), snapshot.count, snapshot.kept_back};
    ExplainedEvent event;
    event.level = level_of(snapshot.kind, snapshot.facts.protocol(), report.explanation.cause);
    if (writes_json(config) || config.record[0] != '\0' || config.log.kind == LogKind::journal) {
        event.json = render_json(report);
    }
    if (config.log.kind == LogKind::journal) {
        event.fields = journal_fields(report);
    }
    if (!writes_json(config)) {
        event.text = render_text(report, coloured);
    }
    return event;
}

} // namespace portguard
