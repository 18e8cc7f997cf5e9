// The module's one function. The preloaded object has blocked signals and cancellation and has put us on a
// stack of our own; errno is its to keep.
#include <string>

#include <unistd.h>

#include "core/event.h"
#include "core/seam.h"
#include "core/text.h"
#include "diagnosis/asked_socket.h"
#include "diagnosis/holder_summary.h"
#include "diagnosis/log_line.h"
#include "kernel/holders.h"

namespace portguard {
namespace {

HolderReport look_up(const SeamRequest& request, const AskedSocket& asked) {
    HolderOptions options;
    options.syscalls.socket = request.real.socket;
    options.syscalls.close = request.real.close;
    options.left_out_inode = asked.inode;
    options.owners = request.phase == Phase::report;
    options.flags = false;
    return find_holders(asked.address, asked.protocol, options);
}

bool answer_may_cure(const SeamRequest& request) {
    const AskedSocket asked = read_asked_socket(request);
    const HolderReport report = look_up(request, asked);
    std::vector<DiagSocket> sockets;
    for (const Holder& holder : report.holders) {
        sockets.push_back(holder.socket);
    }
    // A list that is not whole may lack the one that is only bound.
    return report.sockets_complete && may_cure(asked.address, sockets);
}

std::string held_by(EventKind kind, const HolderReport& report) {
    const std::string holders = summarize_holders(report);
    if (kind == EventKind::cured) {
        return holders.empty() ? "what held it is gone" : "was held by " + holders;
    }
    if (holders.empty()) {
        return report.sockets_complete ? "nobody holds it any more" : "the holder could not be seen";
    }
    return "held by " + holders;
}

void write_report(const SeamRequest& request) {
    const AskedSocket asked = read_asked_socket(request);
    const Event event{request.kind, request.call,    asked.protocol,        request.error,
                      getpid(),     request.program, asked.address.endpoint};
    Text<1024> line;
    print_event_head(event, line);
    Text<512> reason;
    print_known_reason(event, *request.config, reason);
    std::string why(reason.view());
    if (request.kind == EventKind::in_use || request.kind == EventKind::cured) {
        why = held_by(request.kind, look_up(request, asked));
    }
    line.add(why.empty() ? "" : ": ").add(why);
    log_event(request.emit, request.kind, line.view());
}

} // namespace
} // namespace portguard

extern "C" __attribute__((visibility("default"))) int portguard_diagnose(portguard::SeamRequest* request) {
    using namespace portguard;
    if (request->size != sizeof(SeamRequest) || request->version != seam_version) {
        return -1;
    }
    // Nothing may leave: the program's frames are above, and it did not ask for our exceptions.
    try {
        if (request->phase == Phase::ask) {
            request->may_cure = answer_may_cure(*request);
        } else {
            write_report(*request);
        }
    } catch (...) {
        return -1;
    }
    return 0;
}
