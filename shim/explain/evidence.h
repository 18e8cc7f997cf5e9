// What a statement of the report rests on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace portguard {

/// Something that was seen, and where.
struct Evidence {
    std::string fact;
    std::string source;
};

/// Where facts come from: the words of a report's `evidence`.
namespace seen_by {
inline constexpr std::string_view call = "the failed call";
inline constexpr std::string_view socket_list = "sock_diag(7)";
inline constexpr std::string_view tcp_info = "tcp_info (sock_diag(7))";
inline constexpr std::string_view descriptors = "/proc/PID/fd";
inline constexpr std::string_view process = "/proc/PID";
inline constexpr std::string_view own_options = "getsockopt(2)";
inline constexpr std::string_view borrowed_options = "getsockopt(2) through pidfd_getfd(2)";
inline constexpr std::string_view own_file = "fstat(2)";
inline constexpr std::string_view probe = "bind(2) of a probe socket";
inline constexpr std::string_view range = "/proc/sys/net/ipv4/ip_local_port_range";
inline constexpr std::string_view reserved = "/proc/sys/net/ipv4/ip_local_reserved_ports";
inline constexpr std::string_view connect = "connect(2) of a datagram socket";
inline constexpr std::string_view file = "lstat(2)";
inline constexpr std::string_view ring = "what `remember` kept";
inline constexpr std::string_view plan = "configuration";
} // namespace seen_by

/// Collected while a cause is tried: `seen.that(listens, "nginx[12] listens on 0.0.0.0:80", source)`.
class EvidenceList {
public:
    /// `condition`, and where it holds it is noted.
    bool that(bool condition, std::string fact, std::string_view source) {
        if (condition) {
            list_.push_back({std::move(fact), std::string(source)});
        }
        return condition;
    }
    void add(const std::vector<Evidence>& more) { list_.insert(list_.end(), more.begin(), more.end()); }
    void clear() { list_.clear(); }
    [[nodiscard]] std::vector<Evidence> take() { return std::move(list_); }

private:
    std::vector<Evidence> list_;
};

} // namespace portguard
