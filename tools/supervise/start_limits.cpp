#include "tools/supervise/start_limits.h"

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "kernel/borrow_refusal.h"
#include "kernel/proc.h"
#include "preload/taken_along.h"
#include "tools/supervise/caller.h"

namespace portguard::tools {
namespace {

/// Where a socket that is bound, and does not listen yet, is shown (K13).
constexpr KernelVersion first_with_bound_sockets = 0x060800;

std::string limit_of_sight(const StartFacts& facts) {
    const BorrowFacts borrowing = gather_borrow_facts(facts.supervisor, EPERM);
    const bool sees_bound = kernel_version() >= first_with_bound_sockets;
    if (facts.sight == Sight::whole) {
        const bool is_yama = borrowing.ptrace_scope != 0 && !borrowing.has_sys_ptrace;
        if (!is_yama) {
            return {};
        }
        return std::string("of the program's children, nothing is cured and ") +
               (sees_bound ? "the plan is kept by listen(2) only"
                           : "bind and listen pass as without a guard") +
               ": " + describe_refusal(borrowing);
    }
    const std::string why = ": " + describe_refusal(borrowing);
    if (facts.sight == Sight::no_descriptors) {
        return "no bind or listen is cured, no listener is given SO_REUSEADDR, and only failures that are "
               "certain before the call are reported" +
               why;
    }
    return facts.sight == Sight::lists && sees_bound
               ? "nothing is cured, and the plan is kept by listen(2) only" + why
               : "bind and listen pass as without a guard, and only outgoing connections are kept in "
                 "`ephemeral`" +
                     why;
}

} // namespace

Sight sight_of(pid_t program) {
    const Caller caller(program, 0);
    const int borrowed = caller.borrow(STDERR_FILENO);
    if (borrowed >= 0) {
        ::close(borrowed);
        return Sight::whole;
    }
    if (!is_borrowing_forbidden(errno)) {
        return Sight::whole;
    }
    // It has been forked, and not executed anything since: what is here is there.
    const char here = 0;
    char there = 0;
    if (read_memory_of(program, reinterpret_cast<std::uintptr_t>(&here), &there, sizeof there)) {
        return Sight::no_descriptors;
    }
    struct stat status {};
    return ::stat(ProcPath(program, "ns/net").c_str(), &status) == 0 ? Sight::lists : Sight::nothing;
}

std::vector<std::string> start_limits(const Config& config, const StartFacts& facts) {
    std::vector<std::string> limits;
    if (facts.took_no_new_privs) {
        limits.emplace_back("without CAP_SYS_ADMIN, set-user-ID programs below this one gain no privileges "
                            "(no_new_privs)");
    }
    if (config.has_listen && config.mode == Mode::enforce && !facts.keeps_outgoing) {
        limits.push_back(
            std::string("outgoing connections ") +
            (facts.beside_library ? "of programs that the library is not in " : "") +
            "are not kept out of `listen`, since this kernel has no IP_LOCAL_PORT_RANGE (Linux 6.3), "
            "or the ranges do not meet");
    }
    if (config.lease != Lease::off && !facts.beside_library) {
        limits.emplace_back("there is no lease, which needs close(2)");
    }
    if (config.remember != Remember::off && !facts.beside_library) {
        limits.emplace_back("calls that went through are not remembered");
    }
    std::string sight = limit_of_sight(facts);
    if (!sight.empty()) {
        limits.push_back(std::move(sight));
    }
    return limits;
}

} // namespace portguard::tools
