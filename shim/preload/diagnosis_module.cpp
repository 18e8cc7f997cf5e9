#include "preload/diagnosis_module.h"

#include <atomic>
#include <climits>
#include <cstdint>

#include <dlfcn.h>
#include <sys/syscall.h>

#include "kernel/kernel_call.h"

namespace portguard::diagnosis_module {
namespace {

constexpr std::string_view module_name = "libportguard-diagnosis.so";

/// Beside this object. $ORIGIN says so whatever the working directory is by now (H52), but it is the folder
/// of whoever calls the loader, and where another object has a dlopen of its own in front (ASan's run-time
/// has), that is not us. So the folder is named where it is known: a preload by absolute path, as `portguard
/// run` makes it.
void print_module_path(TextWriter& path) {
    Dl_info self{};
    if (dladdr(reinterpret_cast<const void*>(&print_module_path), &self) != 0 && self.dli_fname != nullptr &&
        self.dli_fname[0] == '/') {
        const std::string_view object(self.dli_fname);
        path.add(object.substr(0, object.size() - base_name(object).size()));
    } else {
        path.add("$ORIGIN/");
    }
    path.add(module_name).add('\0');
}

int cannot_serve(SeamRequest* /*request*/) {
    return -1;
}

constinit std::atomic<SeamFunction> function{nullptr};
constinit std::atomic<bool> untold_failure{false};

/// Two threads that load at once get the same module: dlopen counts.
SeamFunction load() {
    // RTLD_LOCAL: the _Unwind_* names of libunwind must not get in front of the program's own (H16).
    Text<PATH_MAX> path;
    print_module_path(path);
    void* const module = path.truncated() ? nullptr : dlopen(path.view().data(), RTLD_NOW | RTLD_LOCAL);
    auto found = module == nullptr ? nullptr : reinterpret_cast<SeamFunction>(dlsym(module, seam_function));
    if (found == nullptr) {
        untold_failure.store(true, std::memory_order_relaxed);
        found = cannot_serve;
    }
    function.store(found, std::memory_order_release);
    return found;
}

/// Who is in the module now: a pid and how many threads of it. A child of fork, _Fork or raw clone inherits
/// the count but not the threads, and what they held (malloc's, the loader's locks) is held for good there
/// (H04, H06).
constinit std::atomic<std::uint64_t> visitors{0};
constexpr unsigned pid_shift = 32;
constexpr std::uint64_t count_mask = (std::uint64_t{1} << pid_shift) - 1;

/// False: a thread of another process is in there, as far as this memory tells.
bool enter(std::uint64_t pid) {
    std::uint64_t seen = visitors.load(std::memory_order_relaxed);
    std::uint64_t wanted = 0;
    do {
        if ((seen & count_mask) != 0 && seen >> pid_shift != pid) {
            return false;
        }
        wanted = (pid << pid_shift | (seen & count_mask)) + 1;
    } while (!visitors.compare_exchange_weak(seen, wanted, std::memory_order_relaxed));
    return true;
}

void leave() {
    visitors.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace

bool serve(SeamRequest& request) {
    if (!enter(static_cast<std::uint64_t>(kernel_call(SYS_getpid)))) {
        return false;
    }
    SeamFunction found = function.load(std::memory_order_acquire);
    if (found == nullptr) {
        found = load();
    }
    const bool served = found(&request) == 0;
    leave();
    return served;
}

void print_why_missing(TextWriter& line) {
    if (!untold_failure.exchange(false, std::memory_order_relaxed)) {
        return;
    }
    const char* const reason = dlerror();
    line.add_untrusted(reason != nullptr ? reason : "libportguard-diagnosis.so could not be loaded");
}

} // namespace portguard::diagnosis_module
