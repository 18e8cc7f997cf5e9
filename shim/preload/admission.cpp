#include "preload/admission.h"

#include <ctime>

#include "core/hash.h"
#include "preload/asker.h"
#include "preload/calls_out.h"
#include "preload/fold.h"
#include "preload/guard.h"

namespace portguard::admission {
namespace {

constinit Fold fold;

/// What makes two events the same, as far as that is known without a look-up: kind, call, errno and address.
/// A server that restarts over a TIME_WAIT is cured twice, in bind and in listen: once is enough to be told.
std::uint64_t key_of(const Job& job) {
    const Occurrence& occurrence = job.occurrence;
    const Endpoint& asked = job.asked;
    Fnv1a key;
    key.add(kind_of(job)).add(job.facts.protocol()).add(asked.port).add(asked.address);
    const std::string_view name = unix_name_of(occurrence);
    key.add(name.data(), name.size());
    if (!job.cured) {
        key.add(occurrence.call).add(occurrence.error);
    }
#if defined(PORTGUARD_SUPERVISOR)
    // Its events are those of a whole tree.
    key.add(asker::pid());
#endif
    return key.value();
}

} // namespace

PORTGUARD_CALLS_OUT std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

void decide(Job& job, std::uint64_t now_ns) {
    const Config& config = guard::config();
    if (config.diagnosis == Diagnosis::off || !is_told(kind_of(job), job.facts.protocol(), config)) {
        return;
    }
    const Fold::Answer answer = fold.admit(key_of(job), now_ns, config.limits.max_reports);
    job.tells = answer.told;
    job.count = answer.count;
    job.kept_back = answer.kept_back;
}

void spend(std::uint64_t elapsed_ns) {
    fold.spend(elapsed_ns);
}

} // namespace portguard::admission
