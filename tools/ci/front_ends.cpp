#include "tools/ci/front_ends.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/proc.h"
#include "tools/common/explain_helper.h"
#include "tools/common/front_end.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/refusal.h"
#include "tools/supervise/supervise.h"

namespace portguard::tools {

struct FrontEnds::Shared {
    TreeCounts counts;
    std::atomic<bool> has_supervisor{false};
    /// Lines.
    Text<2048> limits;
};

namespace {

/// Where it has neither, a filter is only had with no_new_privs, which a build that calls sudo does not
/// survive.
bool takes_a_filter_as_it_is() {
    const auto status = read_status(::getpid(), Syscalls{});
    return (status.has_value() && status->has_effective(CAP_SYS_ADMIN)) ||
           ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

void* shared_memory(std::size_t size) {
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw Refusal(ExitCode::failure, std::string("no memory can be had: ") + std::strerror(errno));
    }
    return memory;
}

void add_count(std::vector<std::string>& limits, std::uint32_t count, const char* one, const char* more,
               const char* passed) {
    if (count != 0) {
        limits.push_back(std::to_string(count) + " " + (count == 1 ? one : more) + " " + passed);
    }
}

void add_counts(std::vector<std::string>& limits, const TreeCounts& counts) {
    constexpr const char* call = "call of bind or listen";
    constexpr const char* calls = "calls of bind or listen";
    add_count(limits, counts.io_urings, "ring", "rings",
              "of io_uring, by which bind, listen and connect pass: --no-io-uring forbids them");
    add_count(limits, counts.in_other_network, call, calls,
              "in another network namespace than at the start passed the supervisor");
    add_count(limits, counts.in_other_surroundings, call, calls,
              "in another cgroup, under another label or behind Landlock passed the supervisor, which kept "
              "the plan only");
    add_count(limits, counts.not_borrowed, "call of bind", "calls of bind",
              "on sockets that may not be borrowed (pidfd_getfd(2)): what failed may be missing");
}

} // namespace

void FrontEnds::choose(const Arguments& arguments) {
    const FrontEnd front_end = front_end_of(arguments, FrontEnd::automatic);
    has_library_ = front_end != FrontEnd::supervisor;
    refuses_io_uring_ = arguments.has(no_io_uring_parameter.name);
    may_do_without_ = front_end == FrontEnd::automatic && !refuses_io_uring_;
    tries_supervisor_ = front_end != FrontEnd::library && config_.mode != Mode::off;
    if (front_end == FrontEnd::automatic && tries_supervisor_ && !takes_a_filter_as_it_is()) {
        tries_supervisor_ = false;
        why_none_ = "without CAP_SYS_ADMIN it takes no_new_privs, under which sudo and su gain nothing; "
                    "--front-end=both does that";
    }
    if (refuses_io_uring_ && !tries_supervisor_) {
        throw Refusal(ExitCode::usage,
                      "--no-io-uring: a library cannot forbid it" +
                          (why_none_.empty() ? "; add --front-end=both"
                                             : ", and there is no supervisor: " + why_none_));
    }
}

FrontEnds::FrontEnds(const Arguments& arguments, const Config& config, GuardedProgram& program)
    : config_(config), shared_(nullptr) {
    choose(arguments);
    if (!has_library_) {
        program.variables.erase(preload_variable);
    } else if (!arguments.has(anyway_parameter.name) && !program.reachability.obstacle.empty()) {
        obstacle_ = program.reachability.obstacle + ", or add --anyway to start it unguarded, or " +
                    "--front-end=both to guard it from outside";
    }
    if (!tries_supervisor_ && !obstacle_.empty()) {
        throw Refusal(ExitCode::unreachable, obstacle_);
    }
    shared_ = new (shared_memory(sizeof(Shared))) Shared;
}

FrontEnds::~FrontEnds() {
    ::munmap(shared_, sizeof(Shared));
}

void FrontEnds::start() const {
    const SupervisorStart started =
        start_supervisor(config_, find_explainers(), {has_library_, refuses_io_uring_, &shared_->counts});
    shared_->has_supervisor = true;
    for (const std::string& limit : started.limits) {
        shared_->limits.add(limit).add('\n');
    }
}

void FrontEnds::enter() const {
    if (!tries_supervisor_) {
        return;
    }
    try {
        start();
    } catch (const Refusal& refusal) {
        if (!may_do_without_) {
            throw;
        }
        if (!obstacle_.empty()) {
            throw Refusal(ExitCode::unreachable, obstacle_);
        }
        shared_->limits.add(refusal.what()).add('\n');
    }
}

GuardingSides FrontEnds::outcome() const {
    GuardingSides sides{has_library_, shared_->has_supervisor};
    if (!why_none_.empty()) {
        sides.limits.push_back("no supervisor was beside them: " + why_none_);
    }
    std::string_view rest = shared_->limits.view();
    while (!rest.empty()) {
        sides.limits.emplace_back(next_field(rest, '\n'));
    }
    add_counts(sides.limits, shared_->counts);
    return sides;
}

} // namespace portguard::tools
