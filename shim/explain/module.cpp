// The module's one function. The preloaded object has blocked signals and cancellation and has put us on a
// stack of our own; errno is its to keep.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "core/seam.h"
#include "explain/asked_socket.h"
#include "explain/cause.h"
#include "explain/cures.h"
#include "explain/facts.h"
#include "explain/fold.h"
#include "explain/log_line.h"
#include "explain/render_json.h"
#include "explain/render_text.h"
#include "explain/report.h"

namespace portguard {
namespace {

constinit Fold fold;

/// libstdc++ sets some 72 KiB aside when it is loaded, for the throw of a std::bad_alloc (eh_alloc.cc). Where
/// it could not have them, that throw would end the program instead.
bool has_memory_for_throws() {
    constexpr std::size_t set_aside = 80 * 1024;
    // volatile: a block that nobody looks at need not be allocated at all.
    void* volatile block = std::malloc(set_aside);
    const bool had = block != nullptr;
    std::free(block);
    return had;
}

/// Atomic for a thread sanitizer's sake: it does not see that dlopen lets a second thread wait for the first
/// one's initialisation.
constinit std::atomic<bool> may_throw{false};

[[gnu::constructor]] void look_for_memory() {
    may_throw.store(has_memory_for_throws(), std::memory_order_relaxed);
}

bool answer_may_cure(SeamRequest& request) {
    if (request.config->diagnosis != Diagnosis::full) {
        return false;
    }
    const AskedSocket asked = read_asked_socket(request);
    auto found = std::make_unique<HolderReport>(
        find_conflicts(asked.address, asked.protocol, holder_options(request, asked)));
    std::vector<DiagSocket> sockets;
    for (const Holder& holder : found->holders) {
        sockets.push_back(holder.socket);
    }
    // A list that is not whole may lack the one that is only bound.
    const bool answer = found->sockets_complete && may_cure(asked.address, sockets);
    request.found = found.release();
    return answer;
}

/// FNV-1a: good enough to tell a few dozen events apart.
class Key {
public:
    Key& add(const void* data, std::size_t length) {
        for (std::size_t index = 0; index < length; ++index) {
            value_ = (value_ ^ static_cast<const unsigned char*>(data)[index]) * 0x100000001b3;
        }
        return *this;
    }
    template <typename Value>
    Key& add(const Value& value) {
        return add(&value, sizeof value);
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325;
};

/// What makes two events the same, as far as that is known without a look-up for each: call, address, stack,
/// and of the cause what Phase::ask has seen.
std::uint64_t key_of(const SeamRequest& request, const Beginning& beginning) {
    const Endpoint& asked = beginning.socket.address.endpoint;
    Key key;
    key.add(request.kind).add(request.call).add(request.error).add(beginning.socket.protocol);
    key.add(asked.port).add(asked.address);
    for (const CallAddress& call : beginning.calls.calls) {
        key.add(call.address);
    }
    if (beginning.conflicts != nullptr && !beginning.conflicts->holders.empty()) {
        const DiagSocket& first = beginning.conflicts->holders.front().socket;
        key.add(first.state).add(first.is_hold());
    }
    return key.value();
}

std::uint64_t monotonic_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

/// Only what goes to a person's terminal; https://no-color.org.
bool wants_colour(const Config& config) {
    const char* no_color = std::getenv("NO_COLOR");
    return config.log.kind == LogKind::standard_error && (no_color == nullptr || *no_color == '\0') &&
           isatty(STDERR_FILENO) == 1;
}

void write_out(const SeamRequest& request, const Report& report) {
    const Config& config = *request.config;
    if (config.log.kind != LogKind::none) {
        log_event(request.emit, config.level, request.kind,
                  config.format == Format::json ? render_json(report)
                                                : render_text(report, wants_colour(config)));
    }
    if (request.record != nullptr) {
        log_event(request.record, config.level, request.kind, render_json(report));
    }
}

void write_report(const SeamRequest& request, std::unique_ptr<HolderReport> conflicts) {
    const Config& config = *request.config;
    const std::uint16_t limit = config.max_reports.value();
    if (!is_told(request.kind, config) || fold.is_over_limit(monotonic_ms(), limit)) {
        return;
    }
    Beginning beginning{read_asked_socket(request), walk_stack(request.context, config.stack_depth.value()),
                        std::move(conflicts)};
    const Fold::Answer answer = fold.admit(key_of(request, beginning), monotonic_ms(), limit);
    if (!answer.told) {
        return;
    }
    const Facts facts = gather_facts(request, std::move(beginning));
    Explanation explanation = explain(facts);
    std::vector<Cure> cures = cures_for(facts, explanation);
    write_out(request, {facts, std::move(explanation), std::move(cures), answer.count, answer.kept_back});
}

} // namespace
} // namespace portguard

extern "C" __attribute__((visibility("default"))) int portguard_diagnose(portguard::SeamRequest* request) {
    using namespace portguard;
    if (request->size != sizeof(SeamRequest) || request->version != seam_version ||
        !may_throw.load(std::memory_order_relaxed)) {
        return -1;
    }
    // Nothing may leave: the program's frames are above, and it did not ask for our exceptions.
    try {
        if (request->phase == Phase::ask) {
            request->may_cure = answer_may_cure(*request);
        } else {
            write_report(*request, std::unique_ptr<HolderReport>(
                                       static_cast<HolderReport*>(std::exchange(request->found, nullptr))));
        }
    } catch (...) {
        return -1;
    }
    return 0;
}
