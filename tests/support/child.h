// Other processes, for tests about what one process may do to another's sockets.
#pragma once

#include <functional>

#include <sys/types.h>

namespace portguard::test {

/// A forked child that runs `setup` and then sits still until this object goes. The constructor returns after
/// `setup` has; it throws if `setup` did. The child holds a copy of every fd the parent had.
class ParkedChild {
public:
    explicit ParkedChild(const std::function<void()>& setup);
    ParkedChild(const ParkedChild&) = delete;
    ParkedChild& operator=(const ParkedChild&) = delete;
    ~ParkedChild();

    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = -1;
};

/// Runs `body` in a forked child and returns what it returned (0 to 255), or -1 if it died or threw.
int result_in_child(const std::function<int()>& body);

/// Becomes user and group `id` for good. The process is not dumpable afterwards (PR_SET_DUMPABLE);
/// the test's own program stays within reach, wherever it was built.
void become_user(unsigned id);

} // namespace portguard::test
