#include "preload/standard_error.h"

#include <atomic>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel_call.h"
#include "kernel/log_writer.h"
#include "preload/start_page.h"

namespace portguard::standard_error {
namespace {

PORTGUARD_ON_START_PAGE constinit std::atomic<bool> has_standard_error{false};
PORTGUARD_ON_START_PAGE constinit std::atomic<dev_t> standard_error_device{0};
PORTGUARD_ON_START_PAGE constinit std::atomic<ino_t> standard_error_inode{0};

bool get_status(struct stat& status) {
    return kernel_call(call_fstat, STDERR_FILENO, as_argument(&status)) == 0;
}

} // namespace

void remember() {
    struct stat status {};
    if (get_status(status)) {
        standard_error_device.store(status.st_dev, std::memory_order_relaxed);
        standard_error_inode.store(status.st_ino, std::memory_order_relaxed);
        has_standard_error.store(true, std::memory_order_relaxed);
    }
}

bool is_ours() {
    struct stat status {};
    return has_standard_error.load(std::memory_order_relaxed) && get_status(status) &&
           status.st_dev == standard_error_device.load(std::memory_order_relaxed) &&
           status.st_ino == standard_error_inode.load(std::memory_order_relaxed) &&
           log_writer::may_hold_reports(STDERR_FILENO);
}

} // namespace portguard::standard_error
