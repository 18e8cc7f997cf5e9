#include "explain/rights.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/network_owner.h"
#include "kernel/proc.h"
#include "kernel/sock_destroy.h"

namespace portguard {
namespace {

Permission permission_of(bool granted, uid_t euid) {
    if (granted) {
        return Permission::granted;
    }
    return euid == 0 ? Permission::never : Permission::by_root;
}

bool is_pid_namespace_nested() {
    constexpr ino_t first = 0xEFFFFFFC; // PROC_PID_INIT_INO, include/linux/proc_ns.h
    struct stat file {};
    return stat("/proc/self/ns/pid", &file) == 0 && file.st_ino != first;
}

} // namespace

Rights read_rights() {
    Rights rights;
    rights.euid = geteuid();
    const auto own = read_status(getpid(), Syscalls{});
    rights.net_admin =
        permission_of(own.has_value() && own->has_effective(CAP_NET_ADMIN) && is_network_ours(), rights.euid);
    const bool writes = faccessat(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", W_OK, AT_EACCESS) == 0;
    rights.is_pid_namespace_nested = is_pid_namespace_nested();
    rights.destroys_orphans = destroys_orphans();
    rights.sysctls = !writes && errno == EROFS ? Permission::never : permission_of(writes, rights.euid);
    return rights;
}

} // namespace portguard
