// An Endpoint as the kernel takes it.
#pragma once

#include <sys/socket.h>

#include "kernel/overlap.h"

namespace portguard {

class SocketAddress {
public:
    /// [::] becomes 0.0.0.0 where the kernel has no IPv6.
    explicit SocketAddress(const AskedAddress& asked);

    [[nodiscard]] int family() const { return storage_.ss_family; }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t length() const { return length_; }

private:
    sockaddr_storage storage_{};
    socklen_t length_ = 0;
};

} // namespace portguard
