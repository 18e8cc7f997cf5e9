// The ring of remembered calls (core/ring.h), taken as what it is: bytes that other processes have written,
// and go on writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/ring.h"

namespace portguard {

/// Where in the ring something stands.
struct RingPart {
    std::uint64_t offset = 0;
    std::size_t size = 0;
};

struct RingEntry {
    /// Every enumerator is one, every flag 0 or 1.
    RingCall call;
    /// From the stack pointer upwards.
    RingPart stack;
    /// Of the process that made it, as it last told before.
    std::string program;
    /// "pid:[4026531836]"; empty: not known.
    std::string pid_namespace;
    RingPart argv;
    RingPart maps;
};

struct RingSearch {
    std::uint16_t port = 0;
    /// SO_NETNS_COOKIE, and the boot that goes on.
    std::uint64_t network = 0;
    std::string boot;
};

class RingReader {
public:
    /// As pread(2): how much there was.
    using Read = std::function<std::size_t(std::uint64_t offset, std::span<std::byte> out)>;

    RingReader(std::uint64_t size, Read read) : size_(size), read_(std::move(read)) {}

    /// The calls about one port, in the order of their times, the last 1,000 of them. Those of a process that
    /// has told nothing of itself, or is forgotten, are left out.
    [[nodiscard]] std::vector<RingEntry> find(const RingSearch& search) const;
    [[nodiscard]] std::string read_part(const RingPart& part) const;
    /// The oldest are gone.
    [[nodiscard]] bool has_forgotten() const { return size_ > ring_capacity; }

private:
    struct Teller;

    [[nodiscard]] std::uint64_t find_mark(std::uint64_t offset) const;
    [[nodiscard]] bool is_mark(std::uint64_t offset) const;
    [[nodiscard]] std::uint64_t end_of(std::uint64_t start, std::size_t expected) const;
    [[nodiscard]] bool is_whole(std::uint64_t start, std::uint64_t end, std::size_t head_size) const;
    template <typename Head>
    bool read_head(std::uint64_t offset, RingRecord kind, Head& head) const;
    bool read_call(std::uint64_t start, RingEntry& entry) const;
    bool read_teller(std::uint64_t start, Teller& teller) const;
    static bool is_told(RingEntry& entry, const std::vector<Teller>& tellers, const std::string& boot);

    std::uint64_t size_;
    Read read_;
};

} // namespace portguard
