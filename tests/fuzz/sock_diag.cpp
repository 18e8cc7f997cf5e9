// What the kernel answers a dump with: netlink messages, in pieces as recv(2) hands them over.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/claims.h"
#include "kernel/sock_diag.h"

using namespace portguard;

namespace {

// In the answers of the corpus.
constexpr std::uint16_t port = 10000;
constexpr std::uint32_t sequence = 7;

void feed(std::uint16_t wanted, std::span<const std::byte> bytes) {
    DumpParser parser(Protocol::tcp, {wanted, wanted}, sequence);
    std::vector<DiagSocket> sockets;
    const DumpProgress progress = parser.feed(bytes, sockets);
    fuzz::require(progress != DumpProgress::failed || parser.error() > 0, "a refusal has its errno");
    fuzz::require(sockets.size() * sizeof(std::uint32_t) <= bytes.size(), "no socket comes from nothing");
    for (const DiagSocket& socket : sockets) {
        fuzz::require(wanted == 0 || socket.local.port == wanted, "sockets on other ports are left out");
        fuzz::require(!state_name(socket.state).empty(), "every state has a name");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // As aligned as recv's buffer is.
    std::vector<std::byte> bytes(size);
    std::copy_n(reinterpret_cast<const std::byte*>(data), size, bytes.begin());
    feed(port, bytes);
    feed(0, bytes);
    return 0;
}
