// preload/standard_error.h, answered of the program that is served.
#include "preload/standard_error.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/log_writer.h"
#include "tools/supervise/current_caller.h"

namespace portguard::standard_error {
namespace {

bool has_standard_error = false;
dev_t device_at_start = 0;
ino_t inode_at_start = 0;

/// Where it cannot be borrowed: opened once more. Not a regular file, which has another offset then, and
/// whose program may write over what is appended; a socket cannot be.
int open_again() {
    const ProcPath path = tools::served_caller().path_of(STDERR_FILENO);
    struct stat status {};
    const bool may_be_opened = ::stat(path.c_str(), &status) == 0 && status.st_dev == device_at_start &&
                               status.st_ino == inode_at_start &&
                               (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
    return may_be_opened ? ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
}

int borrow_standard_error() {
    const int borrowed = tools::served_caller().borrow(STDERR_FILENO);
    return borrowed < 0 && tools::is_borrowing_forbidden(errno) ? open_again() : borrowed;
}

} // namespace

void remember() {
    struct stat status {};
    has_standard_error = ::fstat(STDERR_FILENO, &status) == 0;
    device_at_start = status.st_dev;
    inode_at_start = status.st_ino;
}

/// The supervisor keeps none: whoever waits for the end of that pipe would wait for it. The program's own is
/// borrowed by the child that reports, for as long as that takes.
bool is_ours() {
    if (!has_standard_error || !tools::is_in_child_of_report()) {
        return false;
    }
    const int borrowed = borrow_standard_error();
    struct stat status {};
    const bool is_same = borrowed >= 0 && ::fstat(borrowed, &status) == 0 &&
                         status.st_dev == device_at_start && status.st_ino == inode_at_start &&
                         log_writer::may_hold_reports(borrowed);
    if (is_same) {
        ::dup3(borrowed, STDERR_FILENO, 0);
    }
    if (borrowed >= 0) {
        ::close(borrowed);
    }
    return is_same;
}

} // namespace portguard::standard_error
