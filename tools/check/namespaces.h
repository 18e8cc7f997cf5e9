// The network namespaces of this host, as far as they can be seen from here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace portguard::tools {

struct NetworkNamespace {
    std::uint64_t inode = 0;
    /// The first process in it; 0: a name alone keeps it.
    pid_t pid = 0;
    /// As ip-netns(8) has it; empty: it has none.
    std::string name = {};

    /// What enters it: "/proc/123/ns/net", "/run/netns/blue".
    [[nodiscard]] std::string path() const;
    /// As --netns takes it.
    [[nodiscard]] std::string value() const;
    /// "pod container 0123456789ab, nginx[77]", "'blue'".
    [[nodiscard]] std::string in_words() const;
};

struct NamespaceSearch {
    /// Each once, without the caller's own.
    std::vector<NetworkNamespace> found;
    /// Processes whose namespace this user may not see.
    std::size_t hidden = 0;
};

NamespaceSearch find_namespaces();

/// The calling thread is in `place` for as long as this lives.
class VisitedNamespace {
public:
    explicit VisitedNamespace(const NetworkNamespace& place);
    VisitedNamespace(const VisitedNamespace&) = delete;
    VisitedNamespace& operator=(const VisitedNamespace&) = delete;
    ~VisitedNamespace();

    /// 0: it is there. ENOENT: the namespace has gone.
    [[nodiscard]] int error() const { return error_; }

private:
    int own_ = -1;
    int error_ = 0;
};

} // namespace portguard::tools
