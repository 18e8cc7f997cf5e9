#include "kernel/log_writer.h"

#include "core/errno_name.h"
#include "core/event.h"
#include "core/file_options.h"
#include "core/text.h"
#include "kernel/log_attempt.h"

namespace portguard::log_writer {
namespace {

Attempt write_to_log(const LogTarget& log, bool stderr_is_ours, const Entry& entry) {
    switch (log.kind) {
    case LogKind::none: return done;
    case LogKind::file: return write_to_file(log.path, entry.pid, entry.text);
    case LogKind::journal: return write_to_journal(entry);
    case LogKind::syslog: return write_to_syslog(entry);
    case LogKind::standard_error: break;
    }
    return stderr_is_ours ? write_to_descriptor_2(entry.text)
                          : Attempt{"is data, a network peer or not the file of the start"};
}

/// "portguard: log=file:/x could not be opened (EACCES); reported here"
void print_reason(const Config& config, const Attempt& failed, TextWriter& out) {
    Text<log_path_capacity> value;
    print_log(config, value);
    out.add("portguard: log=").add_untrusted(value.view()).add(' ').add(failed.obstacle);
    if (failed.error != 0) {
        out.add(" (");
        print_errno(failed.error, out);
        out.add(')');
    }
    out.add("; reported here\n");
}

/// Each block has the reason before it: what holds no state cannot know which is the first.
bool report_elsewhere(const Config& config, const Attempt& failed, const Entry& entry) {
    Text<log_path_capacity + 128> reason;
    print_reason(config, failed, reason);
    const Entry note{entry.level, entry.pid, reason.view(), {}};
    if (config.log.kind != LogKind::journal && write_to_journal(note).is_written()) {
        return write_to_journal(entry).is_written();
    }
    return config.log.kind != LogKind::syslog && write_to_syslog(note).is_written() &&
           write_to_syslog(entry).is_written();
}

Outcome outcome_of(bool written) {
    return written ? Outcome::written : Outcome::lost;
}

} // namespace

Outcome write(const Config& config, std::int32_t pid, bool stderr_is_ours, Level level,
              std::string_view block, std::span<const Field> fields) {
    const Entry entry{level, pid, block, fields};
    const Attempt attempt = write_to_log(config.log, stderr_is_ours, entry);
    return outcome_of(attempt.is_written() || report_elsewhere(config, attempt, entry));
}

Outcome record(const Config& config, std::int32_t pid, std::string_view block) {
    return outcome_of(config.record[0] == '\0' || write_to_file(config.record, pid, block).is_written());
}

Outcome write_to_standard_error(std::string_view block) {
    return outcome_of(write_to_descriptor_2(block).is_written());
}

} // namespace portguard::log_writer
