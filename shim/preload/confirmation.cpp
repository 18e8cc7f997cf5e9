#include "preload/confirmation.h"

#include <cerrno>

#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/policy.h"
#include "kernel/judged_call.h"
#include "kernel/kernel_call.h"
#include "kernel/socket_option.h"
#include "preload/guard.h"
#include "preload/socket_state.h"

namespace portguard {
namespace {

/// connect says EADDRNOTAVAIL as well where no address of ours reaches the destination: ::1 with IPv6
/// switched off, which every program tries that is told "localhost", so that it is reported as harmless. A
/// UDP socket meets that alone, having ports of its own.
bool has_source_for(const sockaddr* address, socklen_t length) {
    const long fd = judged_call(SYS_socket, address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return true;
    }
    const long result = kernel_call(SYS_connect, fd, as_argument(address), length);
    kernel_call(SYS_close, fd);
    return result != -EADDRNOTAVAIL;
}

/// A filter of system calls does not let the kernel answer (tor's sandbox), by whatever errno it has chosen.
/// What is remembered is then good for telling; the cure asks for itself.
bool is_silenced(int fd) {
    int domain = 0;
    const long result = read_socket_option(fd, SOL_SOCKET, SO_DOMAIN, domain);
    return result < 0 && result != -ENOTSOCK && result != -EBADF;
}

/// What is remembered, where the kernel says that it is still such a socket: a 0 that the program chose, and
/// whose choice a range is, cannot be asked.
SocketFacts confirmed(int fd, SocketFacts facts) {
    if (is_silenced(fd)) {
        return facts;
    }
    const SocketFacts known = socket_state::facts_of(fd);
    if (known.protocol() != facts.protocol()) {
        return known.with_port(facts.port());
    }
    return known.chose_reuseaddr() ? facts.with_chosen_reuseaddr() : facts;
}

} // namespace

bool confirm(Job& job) {
    const Occurrence& occurrence = job.occurrence;
    if (occurrence.call == Call::connect && occurrence.error == EADDRNOTAVAIL &&
        !has_source_for(occurrence.address, occurrence.length)) {
        job.kind = EventKind::unavailable;
    }
    // Of a unix socket nothing is remembered: the kernel has just taken its address for one.
    if (job.facts.protocol() == Protocol::unix_domain) {
        return true;
    }
    if (occurrence.call != Call::connect) {
        job.facts = confirmed(job.socket, job.facts);
        job.may_cure = job.may_cure && may_try_cure(guard::config(), job.facts);
    }
    return job.facts.protocol() != Protocol::other;
}

} // namespace portguard
