// netlink(7) messages, built and read in fixed memory: what sock_diag(7) and rtnetlink(7) have in common. No
// allocation, no system call, so that a child of the preloaded object can use it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include <linux/netlink.h>

namespace portguard {

/// A request. What is appended has to fit: the callers' messages are of known length.
class NetlinkRequest {
public:
    NetlinkRequest(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence) {
        header_.nlmsg_len = sizeof header_;
        header_.nlmsg_type = type;
        header_.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header_.nlmsg_seq = sequence;
    }

    template <typename Body>
    NetlinkRequest& body(const Body& value) {
        append(&value, sizeof value);
        return *this;
    }
    NetlinkRequest& attribute(std::uint16_t type, const void* data, std::size_t length) {
        const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + length), type};
        append(&head, sizeof head);
        append(data, length);
        return *this;
    }
    /// What is appended until end() belongs to it.
    std::size_t begin(std::uint16_t type) {
        const std::size_t start = header_.nlmsg_len;
        attribute(type, nullptr, 0);
        return start;
    }
    NetlinkRequest& end(std::size_t start) {
        const auto length = static_cast<std::uint16_t>(header_.nlmsg_len - start);
        std::memcpy(bytes_.data() + start, &length, sizeof length);
        return *this;
    }

    [[nodiscard]] std::span<const std::byte> bytes() {
        std::memcpy(bytes_.data(), &header_, sizeof header_);
        return std::span<const std::byte>(bytes_).first(header_.nlmsg_len);
    }

private:
    void append(const void* data, std::size_t length) {
        if (length != 0) {
            std::memcpy(bytes_.data() + header_.nlmsg_len, data, length);
        }
        header_.nlmsg_len = NLMSG_ALIGN(header_.nlmsg_len + static_cast<std::uint32_t>(length));
    }

    nlmsghdr header_{};
    std::array<std::byte, 512> bytes_{};
};

struct NetlinkMessage {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::span<const std::byte> payload;
};

struct NetlinkAttribute {
    std::uint16_t type = 0;
    std::span<const std::byte> payload;
};

/// A value at the beginning of foreign bytes; nothing where they are fewer.
template <typename Value>
std::optional<Value> read_value(std::span<const std::byte> bytes) {
    Value value;
    if (bytes.size() < sizeof value) {
        return std::nullopt;
    }
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// Takes the first message from `bytes`, which are what recv(2) returned and may be anything. Nothing: they
/// do not begin with a whole one, whose length is a multiple of four, as all are that a kernel sends to us.
inline std::optional<NetlinkMessage> take_message(std::span<const std::byte>& bytes) {
    const auto header = read_value<nlmsghdr>(bytes);
    if (!header.has_value() || header->nlmsg_len < sizeof *header || header->nlmsg_len > bytes.size() ||
        header->nlmsg_len % NLMSG_ALIGNTO != 0) {
        return std::nullopt;
    }
    const auto whole = bytes.first(header->nlmsg_len);
    bytes = bytes.subspan(header->nlmsg_len);
    return NetlinkMessage{header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq,
                          whole.subspan(sizeof *header)};
}

/// Likewise with the attributes of a message.
inline std::optional<NetlinkAttribute> take_attribute(std::span<const std::byte>& bytes) {
    const auto head = read_value<nlattr>(bytes);
    if (!head.has_value() || head->nla_len < sizeof *head || head->nla_len > bytes.size()) {
        return std::nullopt;
    }
    const auto whole = bytes.first(head->nla_len);
    const std::size_t step = NLA_ALIGN(std::size_t{head->nla_len});
    bytes = bytes.subspan(step < bytes.size() ? step : bytes.size());
    return NetlinkAttribute{static_cast<std::uint16_t>(head->nla_type & NLA_TYPE_MASK),
                            whole.subspan(sizeof *head)};
}

/// Of NLMSG_ERROR, or of NLMSG_DONE with its result: both begin with a negative errno. 0: no error.
inline int error_in(const NetlinkMessage& message) {
    const int result = read_value<int>(message.payload).value_or(0);
    return result < 0 && result > -4096 ? -result : 0;
}

} // namespace portguard
