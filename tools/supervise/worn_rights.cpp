#include "tools/supervise/worn_rights.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace portguard::tools {
namespace {

static_assert(CAP_NET_BIND_SERVICE < 32, "in the first of the two words");
constexpr std::uint32_t low_ports = 1U << CAP_NET_BIND_SERVICE;

/// Puts the capability in force in this thread, or out of it. True: that changed something.
bool set_low_ports(bool in_force) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capget, &header, data) != 0 || ((data[0].effective & low_ports) != 0) == in_force) {
        return false;
    }
    data[0].effective ^= low_ports;
    return ::syscall(SYS_capset, &header, data) == 0;
}

/// setfsuid(2) and setfsgid(2) say what was before, whether they did anything or not.
bool set_ids(uid_t uid, gid_t gid) {
    constexpr long no_id = -1;
    ::syscall(SYS_setfsgid, gid);
    ::syscall(SYS_setfsuid, uid);
    return static_cast<gid_t>(::syscall(SYS_setfsgid, no_id)) == gid &&
           static_cast<uid_t>(::syscall(SYS_setfsuid, no_id)) == uid;
}

/// Of this thread alone, which libc's setresuid(2) is not. The effective and the saved ones stay, and with
/// them the capabilities.
bool set_real_ids(uid_t uid, gid_t gid) {
    constexpr long unchanged = -1;
    return ::syscall(SYS_setresgid, gid, unchanged, unchanged) == 0 &&
           ::syscall(SYS_setresuid, uid, unchanged, unchanged) == 0;
}

Surroundings ids_to_wear(const Caller& caller, const Surroundings& own, bool is_needed) {
    Surroundings theirs;
    return is_needed && caller.read_surroundings(theirs) ? theirs : own;
}

} // namespace

WithoutLowPorts::WithoutLowPorts(bool lacks_it) : was_in_force_(lacks_it && set_low_ports(false)) {}

WithoutLowPorts::~WithoutLowPorts() {
    if (was_in_force_) {
        set_low_ports(true);
    }
}

UnderIdsOf::UnderIdsOf(const Surroundings& other, const Surroundings& own)
    : own_(own), differs_(other.fs_uid != own.fs_uid || other.fs_gid != own.fs_gid),
      is_worn_(!differs_ || set_ids(other.fs_uid, other.fs_gid)) {}

UnderIdsOf::~UnderIdsOf() {
    if (differs_) {
        set_ids(own_.fs_uid, own_.fs_gid);
    }
}

UnderPtraceIdsOf::Real::Real(const Surroundings& other, const Surroundings& own) {
    if (other.fs_uid != own.fs_uid || other.fs_gid != own.fs_gid) {
        own_uid_ = ::getuid();
        own_gid_ = ::getgid();
        is_changed_ = set_real_ids(other.fs_uid, other.fs_gid);
    }
}

UnderPtraceIdsOf::Real::~Real() {
    if (is_changed_) {
        set_real_ids(own_uid_, own_gid_);
    }
}

UnderPtraceIdsOf::UnderPtraceIdsOf(const Caller& caller, const Surroundings& own, bool is_needed)
    : worn_(ids_to_wear(caller, own, is_needed)), real_(worn_, own), of_files_(worn_, own) {}

} // namespace portguard::tools
