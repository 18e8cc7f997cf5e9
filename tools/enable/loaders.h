// The dynamic loaders of this machine, one for each libc that its programs use.
#pragma once

#include <string>
#include <vector>

namespace portguard::tools {

struct Loader {
    /// As programs name it (PT_INTERP).
    std::string path;
    /// Its libc, which is a program as well: glibc's prints its version. Empty: it has none beside itself.
    std::string libc;

    /// musl's reads no /etc/ld.so.preload.
    [[nodiscard]] bool is_musl() const;
};

/// Those where the ABIs put them, and those of the programs that run in this root.
std::vector<Loader> find_loaders();

} // namespace portguard::tools
