#include "explain/ring_reader.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace portguard {
namespace {

constexpr std::size_t most_calls = 1000;

bool is_sound(const RingCall& call) {
    constexpr auto is_family = [](const Endpoint& endpoint) { return endpoint.family <= Family::ipv6; };
    return call.call <= Call::setsockopt && call.protocol <= Protocol::unix_domain && is_family(call.local) &&
           is_family(call.remote);
}

/// A bool of another process may be any byte.
bool has_sound_flags(const RingCall& call) {
    const auto is_flag = [](const bool& flag) {
        unsigned char byte = 0;
        std::memcpy(&byte, &flag, 1);
        return byte <= 1;
    };
    return is_flag(call.kernel_chose) && is_flag(call.local.v4_mapped) && is_flag(call.remote.v4_mapped);
}

} // namespace

struct RingReader::Teller {
    RingProcess process;
    std::uint64_t argv_offset = 0;
};

std::string RingReader::read_part(const RingPart& part) const {
    std::string bytes(part.size, '\0');
    bytes.resize(read_(part.offset, std::as_writable_bytes(std::span(bytes))));
    return bytes;
}

bool RingReader::is_mark(std::uint64_t offset) const {
    std::array<char, ring_mark.size()> bytes{};
    return read_(offset, std::as_writable_bytes(std::span(bytes))) == bytes.size() && bytes == ring_mark;
}

/// The first from `offset` on; size_: none.
std::uint64_t RingReader::find_mark(std::uint64_t offset) const {
    constexpr std::size_t step = 65536;
    const std::string_view mark(ring_mark.data(), ring_mark.size());
    while (offset < size_) {
        const std::string bytes = read_part({offset, step});
        const std::size_t found = bytes.find(mark);
        if (found != std::string::npos) {
            return offset + found;
        }
        if (bytes.size() < step) {
            break;
        }
        // It may lie across the end of what was read.
        offset += step - mark.size();
    }
    return size_;
}

/// Of the record at `start`, which is `expected` long unless its writer was killed or its stack ended
/// earlier.
std::uint64_t RingReader::end_of(std::uint64_t start, std::size_t expected) const {
    return is_mark(start + expected) ? start + expected : find_mark(start + ring_mark.size());
}

template <typename Head>
bool RingReader::read_head(std::uint64_t offset, RingRecord kind, Head& head) const {
    const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(&head), sizeof head);
    return read_(offset + ring_mark.size(), bytes) == sizeof head && head.version == ring_version &&
           head.kind == kind;
}

bool RingReader::read_call(std::uint64_t start, RingEntry& entry) const {
    if (!read_head(start, RingRecord::call, entry.call) || !has_sound_flags(entry.call) ||
        !is_sound(entry.call)) {
        return false;
    }
    entry.stack = {start + ring_mark.size() + sizeof entry.call, ring_stack_capacity};
    return true;
}

bool RingReader::read_teller(std::uint64_t start, Teller& teller) const {
    RingProcess& process = teller.process;
    if (!read_head(start, RingRecord::process, process) || process.argv_bytes > ring_argv_capacity ||
        process.maps_bytes > ring_maps_capacity) {
        return false;
    }
    process.program[sizeof process.program - 1] = '\0';
    process.pid_namespace[sizeof process.pid_namespace - 1] = '\0';
    teller.argv_offset = start + ring_mark.size() + sizeof process;
    return true;
}

/// By the last that the same process told before the call.
bool RingReader::is_told(RingEntry& entry, const std::vector<Teller>& tellers, const std::string& boot) {
    const Teller* found = nullptr;
    for (const Teller& teller : tellers) {
        const RingProcess& process = teller.process;
        if (process.pid == entry.call.pid && process.time_ns <= entry.call.time_ns &&
            (found == nullptr || process.time_ns >= found->process.time_ns)) {
            found = &teller;
        }
    }
    if (found == nullptr || boot != std::string_view(found->process.boot, sizeof found->process.boot)) {
        return false;
    }
    entry.program = found->process.program;
    entry.pid_namespace = found->process.pid_namespace;
    entry.argv = {found->argv_offset, found->process.argv_bytes};
    entry.maps = {found->argv_offset + found->process.argv_bytes, found->process.maps_bytes};
    return true;
}

/// Its writer was not killed before the head was written, so that no other record begins in there.
bool RingReader::is_whole(std::uint64_t start, std::uint64_t end, std::size_t head_size) const {
    const std::uint64_t head_end = start + ring_mark.size() + head_size;
    return end >= head_end && find_mark(start + ring_mark.size()) >= head_end;
}

std::vector<RingEntry> RingReader::find(const RingSearch& search) const {
    std::vector<RingEntry> calls;
    std::vector<Teller> tellers;
    std::uint64_t start = find_mark(size_ > ring_capacity ? size_ - ring_capacity : 0);
    while (start < size_) {
        std::size_t expected = ring_mark.size();
        RingEntry entry;
        Teller teller;
        const bool is_call = read_call(start, entry);
        if (is_call) {
            expected += sizeof entry.call + ring_stack_capacity;
        } else if (read_teller(start, teller)) {
            expected += sizeof teller.process + teller.process.argv_bytes + teller.process.maps_bytes;
            tellers.push_back(teller);
        }
        const std::uint64_t end = end_of(start, expected);
        if (is_call && entry.call.local.port == search.port && entry.call.network == search.network &&
            is_whole(start, end, sizeof entry.call)) {
            entry.stack.size = static_cast<std::size_t>(
                std::min<std::uint64_t>(ring_stack_capacity, end - entry.stack.offset));
            calls.push_back(std::move(entry));
        }
        start = end;
    }
    std::erase_if(calls, [&](RingEntry& entry) { return !is_told(entry, tellers, search.boot); });
    std::stable_sort(calls.begin(), calls.end(), [](const RingEntry& left, const RingEntry& right) {
        return left.call.time_ns < right.call.time_ns;
    });
    if (calls.size() > most_calls) {
        calls.erase(calls.begin(), calls.end() - most_calls);
    }
    return calls;
}

} // namespace portguard
