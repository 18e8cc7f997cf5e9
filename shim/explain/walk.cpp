#include "explain/walk.h"

#include <atomic>

#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

namespace portguard {
namespace {

// {pid, tid} of who walks; 0: nobody.
constinit std::atomic<std::uint64_t> claimed_by{0};

bool read_word(unw_word_t address, unw_word_t& value) {
    const iovec local{&value, sizeof value};
    const iovec remote{reinterpret_cast<void*>(address), sizeof value};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == static_cast<ssize_t>(sizeof value);
}

/// In place of libunwind's own, which checks an address by writing to a pipe that it keeps open: after
/// closefrom(3) that pipe is the program's file (H45). Without state, since a program that uses the same
/// libunwind calls it from its own threads.
int access_memory(unw_addr_space_t /*space*/, unw_word_t address, unw_word_t* value, int write,
                  void* /*argument*/) {
    return write == 0 && read_word(address, *value) ? 0 : -UNW_EINVAL;
}

void prepare_libunwind() {
    unw_get_accessors(unw_local_addr_space)->access_mem = access_memory;
    // The cache has a lock of its own.
    unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_NONE);
}

CallAddress current_call(unw_cursor_t& cursor, bool interrupted) {
    unw_word_t address = 0;
    unw_get_reg(&cursor, UNW_REG_IP, &address);
    return {static_cast<std::uintptr_t>(address), interrupted};
}

} // namespace

WalkClaim::WalkClaim() {
    const auto pid = static_cast<std::uint64_t>(static_cast<std::uint32_t>(getpid()));
    const auto tid = static_cast<std::uint64_t>(static_cast<std::uint32_t>(syscall(SYS_gettid)));
    std::uint64_t nobody = 0;
    taken_ = claimed_by.compare_exchange_strong(nobody, pid << 32 | tid, std::memory_order_acquire);
}

WalkClaim::~WalkClaim() {
    if (taken_) {
        claimed_by.store(0, std::memory_order_release);
    }
}

Walk walk_calls(void* context, std::size_t depth) {
    unw_word_t sample = 0;
    if (!read_word(reinterpret_cast<unw_word_t>(&sample), sample)) {
        return {{}, "process_vm_readv is forbidden"};
    }
    prepare_libunwind();
    unw_cursor_t cursor;
    if (context == nullptr || unw_init_local2(&cursor, static_cast<unw_context_t*>(context), 0) != 0) {
        return {{}, "libunwind does not take the context"};
    }
    Walk walk;
    unw_word_t stack_pointer = 0;
    bool interrupted = false;
    while (walk.calls.size() < depth) {
        const CallAddress call = current_call(cursor, interrupted);
        unw_word_t here = 0;
        unw_get_reg(&cursor, UNW_REG_SP, &here);
        const bool stuck =
            !walk.calls.empty() && here == stack_pointer && walk.calls.back().address == call.address;
        if (call.address == 0 || stuck) {
            break;
        }
        walk.calls.push_back(call);
        stack_pointer = here;
        interrupted = unw_is_signal_frame(&cursor) > 0;
        if (unw_step(&cursor) <= 0) {
            break;
        }
    }
    return walk;
}

} // namespace portguard
