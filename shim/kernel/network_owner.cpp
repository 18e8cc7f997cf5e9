#include "kernel/network_owner.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include "kernel/syscalls.h"

namespace portguard {

bool is_network_ours() {
    const Syscalls syscalls;
    const ScopedFd network(direct::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), syscalls);
    const ScopedFd owner(ioctl(network.get(), NS_GET_USERNS), syscalls);
    return owner.valid() || errno != EPERM;
}

} // namespace portguard
