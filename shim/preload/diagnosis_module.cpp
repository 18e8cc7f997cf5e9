#include "preload/diagnosis_module.h"

#include <atomic>

#include <dlfcn.h>

namespace portguard::diagnosis_module {
namespace {

// $ORIGIN is the folder of the object that calls dlopen, whatever the working directory is by now (H52).
constexpr char module_path[] = "$ORIGIN/libportguard-diagnosis.so";

int cannot_serve(SeamRequest* /*request*/) {
    return -1;
}

constinit std::atomic<SeamFunction> function{nullptr};
constinit std::atomic<bool> untold_failure{false};

/// Two threads that load at once get the same module: dlopen counts.
SeamFunction load() {
    // RTLD_LOCAL: the _Unwind_* names of libunwind must not get in front of the program's own (H16).
    void* const module = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);
    auto found = module == nullptr ? nullptr : reinterpret_cast<SeamFunction>(dlsym(module, seam_function));
    if (found == nullptr) {
        untold_failure.store(true, std::memory_order_relaxed);
        found = cannot_serve;
    }
    function.store(found, std::memory_order_release);
    return found;
}

} // namespace

bool serve(SeamRequest& request) {
    SeamFunction found = function.load(std::memory_order_acquire);
    if (found == nullptr) {
        found = load();
    }
    return found(&request) == 0;
}

void print_why_missing(TextWriter& line) {
    if (!untold_failure.exchange(false, std::memory_order_relaxed)) {
        return;
    }
    const char* const reason = dlerror();
    line.add(" (no diagnosis from here on: ")
        .add_untrusted(reason != nullptr ? reason : "libportguard-diagnosis.so could not be loaded")
        .add(')');
}

} // namespace portguard::diagnosis_module
