// Writes a report where `log` and `record` say, for the preloaded object's child and for portguard-explain.
// Nothing waits for a reader, no line is torn, nothing is written into a file that is not ours or to a
// network peer, and no descriptor or other state is kept (H08). No heap, no libc beyond memory functions: raw
// system calls only.
//
// The caller has SIGPIPE, SIGXFSZ and SIGTTOU blocked or ignored; where they may not stay pending (the
// program itself), it consumes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/config.h"

namespace portguard::log_writer {

enum class Outcome : std::uint8_t { written, lost };

/// A field of a journal entry beside MESSAGE: upper-case letters, digits and '_' (systemd.journal-fields(7)).
struct Field {
    std::string_view name;
    std::string_view value;
};

/// `block`: whole lines, with their newline, of the process `pid` (which "%p" stands for). Where `log` is
/// stderr or a file that cannot be written, the journal gets it, else syslog, after a line that says why.
/// `lost`: none took it all.
Outcome write(const Config& config, std::int32_t pid, bool stderr_is_ours, Level level,
              std::string_view block, std::span<const Field> fields = {});

/// To the file of `record`; `written` where there is none.
Outcome record(const Config& config, std::int32_t pid, std::string_view block);

/// To descriptor 2 and nowhere else: where there is no configuration to go by.
Outcome write_to_standard_error(std::string_view block);

/// Whether reports may go to `fd` at all: not to a socket but a unix one (inetd and CGI: the peer would read
/// it), and not to a plain file without O_APPEND (a data file that a program opened while 2 was free, H61).
bool may_hold_reports(int fd);

} // namespace portguard::log_writer
