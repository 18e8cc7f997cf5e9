// What `remember` keeps: a file that other processes append to.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "explain/ring_reader.h"
#include "fuzz/claims.h"

using namespace portguard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const RingReader reader(size, [=](std::uint64_t offset, std::span<std::byte> out) {
        const std::size_t start = std::min<std::uint64_t>(offset, size);
        const std::size_t count = std::min(out.size(), size - start);
        std::memcpy(out.data(), data + start, count);
        return count;
    });
    // Of the seeds.
    constexpr std::uint16_t port = 40000;
    constexpr std::uint64_t network = 1;
    std::uint64_t before = 0;
    for (const RingEntry& entry : reader.find({port, network, std::string(36, 'b')})) {
        fuzz::require(entry.call.local.port == port && entry.call.network == network,
                      "only what was asked for");
        fuzz::require(entry.call.time_ns >= before, "in the order of their times");
        before = entry.call.time_ns;
        fuzz::require(entry.stack.offset <= size && entry.stack.size <= ring_stack_capacity,
                      "a stack is in the ring");
        fuzz::require(reader.read_part(entry.argv).size() <= ring_argv_capacity, "arguments are short");
        fuzz::require(reader.read_part(entry.maps).size() <= ring_maps_capacity, "maps are cut");
    }
    return 0;
}
