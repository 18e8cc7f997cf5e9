#include "tools/common/privileges.h"

#include <array>
#include <cstdint>
#include <cstring>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace portguard::tools {
namespace {

bool is_on_nosuid_mount(const std::string& path) {
    struct statvfs mount {};
    return ::statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0;
}

/// security/commoncap.c, bprm_fill_uid: the bits do nothing under no_new_privs.
std::string id_gain(const struct stat& status) {
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
        return {};
    }
    if ((status.st_mode & S_ISUID) != 0 && status.st_uid != ::getuid()) {
        return "is set-user-ID to user " + std::to_string(status.st_uid);
    }
    // Without the group's execute bit, set-group-ID once meant mandatory locking and changes no group.
    constexpr mode_t set_group = S_ISGID | S_IXGRP;
    if ((status.st_mode & set_group) == set_group && status.st_gid != ::getgid()) {
        return "is set-group-ID to group " + std::to_string(status.st_gid);
    }
    return {};
}

bool has_capabilities(const std::string& path) {
    // Root has them anyway, and so is not put into secure-execution mode (cap_bprm_creds_from_file).
    if (::getuid() == 0) {
        return false;
    }
    std::array<std::byte, sizeof(vfs_ns_cap_data)> attribute{};
    const ssize_t size = ::getxattr(path.c_str(), "security.capability", attribute.data(), attribute.size());
    return size > 0 && grants_capabilities(Bytes(attribute).first(static_cast<std::size_t>(size)));
}

} // namespace

bool grants_capabilities(Bytes attribute) {
    // Little-endian words: magic and flags, then permitted and inheritable for capabilities 0-31, and again
    // for 32-63.
    bool granted = false;
    for (std::size_t offset = 0; offset + 4 <= attribute.size() && offset < sizeof(vfs_cap_data);
         offset += 4) {
        std::array<std::uint8_t, 4> word{};
        std::memcpy(word.data(), attribute.data() + offset, word.size());
        if (offset == 0) {
            granted = (word[0] & VFS_CAP_FLAGS_EFFECTIVE) != 0;
        } else if ((offset / 4) % 2 == 1) {
            granted = granted || (word[0] | word[1] | word[2] | word[3]) != 0;
        }
    }
    return granted;
}

std::string privilege_gain(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || is_on_nosuid_mount(path)) {
        return {};
    }
    std::string gain = id_gain(status);
    return gain.empty() && has_capabilities(path) ? "has file capabilities" : gain;
}

} // namespace portguard::tools
