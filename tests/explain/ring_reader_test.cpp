// The ring is read as what it is: records of many processes, some of them cut short, between anything.
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "explain/ring_reader.h"

namespace portguard::test {
namespace {

const std::string this_boot(36, 'a');
constexpr std::uint64_t this_network = 7;
constexpr std::uint16_t port = 40000;

/// As preload/remember.cpp appends to it.
class Ring {
public:
    template <typename Head>
    Ring& add(const Head& head, const std::string& rest) {
        bytes_.append(ring_mark.data(), ring_mark.size());
        bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
        bytes_ += rest;
        return *this;
    }
    Ring& process(int pid, std::uint64_t time_ns, const std::string& name = "server",
                  const std::string& boot = this_boot) {
        RingProcess process;
        process.pid = pid;
        process.time_ns = time_ns;
        name.copy(process.program, sizeof process.program - 1);
        boot.copy(process.boot, sizeof process.boot);
        const std::string argv = name + '\0' + "-x" + '\0';
        const std::string maps = "maps of " + name;
        process.argv_bytes = static_cast<std::uint32_t>(argv.size());
        process.maps_bytes = static_cast<std::uint32_t>(maps.size());
        return add(process, argv + maps);
    }
    Ring& call(int pid, std::uint64_t time_ns,
               const std::string& stack = std::string(ring_stack_capacity, 's'), std::uint16_t on = port,
               std::uint64_t network = this_network) {
        RingCall call;
        call.protocol = Protocol::tcp;
        call.pid = pid;
        call.time_ns = time_ns;
        call.local.family = Family::ipv4;
        call.local.port = on;
        call.network = network;
        return add(call, stack);
    }
    Ring& cut(std::size_t bytes) {
        bytes_.resize(bytes_.size() - bytes);
        return *this;
    }
    Ring& garbage(const std::string& bytes) {
        bytes_ += bytes;
        return *this;
    }

    [[nodiscard]] RingReader reader() const {
        return {bytes_.size(), [this](std::uint64_t offset, std::span<std::byte> out) {
                    const std::size_t left = bytes_.size() - std::min<std::size_t>(offset, bytes_.size());
                    const std::size_t count = std::min(out.size(), left);
                    std::memcpy(out.data(), bytes_.data() + (bytes_.size() - left), count);
                    return count;
                }};
    }
    [[nodiscard]] std::vector<RingEntry> found(std::uint16_t on = port) const {
        return reader().find({on, this_network, this_boot});
    }
    [[nodiscard]] std::string& bytes() { return bytes_; }

private:
    std::string bytes_;
};

TEST(RingReader, FindsTheCallsOfAPortInTheOrderOfTheirTimesWithWhoMadeThem) {
    const Ring ring =
        Ring().process(1, 5).call(1, 30).process(2, 6, "client").call(2, 20).call(2, 10, "short", 41000);
    const auto found = ring.found();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].program, "client");
    EXPECT_EQ(found[1].program, "server");
    EXPECT_EQ(ring.reader().read_part(found[0].argv), std::string("client\0-x\0", 10));
    EXPECT_EQ(ring.reader().read_part(found[0].maps), "maps of client");
    EXPECT_EQ(ring.reader().read_part(found[1].stack), std::string(ring_stack_capacity, 's'));
    EXPECT_EQ(ring.found(41000).size(), 1U);
    EXPECT_TRUE(ring.found(1).empty());
}

TEST(RingReader, TakesAStackThatEndsEarlyForAsLongAsItIs) {
    const Ring ring = Ring().process(1, 1).call(1, 2, "top").call(1, 3, "").call(1, 4, "next");
    const auto found = ring.found();
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(ring.reader().read_part(found[0].stack), "top");
    EXPECT_EQ(ring.reader().read_part(found[1].stack), "");
    EXPECT_EQ(ring.reader().read_part(found[2].stack), "next");
}

TEST(RingReader, LeavesOutOtherNetworksOtherBootsAndThoseWhoseProcessIsForgotten) {
    EXPECT_TRUE(Ring().process(1, 1).call(1, 2, "", port, this_network + 1).found().empty());
    EXPECT_TRUE(Ring().process(1, 1, "server", std::string(36, 'b')).call(1, 2).found().empty());
    EXPECT_TRUE(Ring().call(1, 2).found().empty());
    // It told of itself only later: that was another process of the same number.
    EXPECT_TRUE(Ring().call(1, 2).process(1, 3).found().empty());
}

TEST(RingReader, GivesACallToTheProcessThatHadThePidThen) {
    const auto found = Ring().process(1, 1, "first").call(1, 2).process(1, 3, "second").call(1, 4).found();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].program, "first");
    EXPECT_EQ(found[1].program, "second");
}

TEST(RingReader, WriterKilledAtAnyByteLosesItsOwnRecordAndNoOther) {
    const std::size_t whole = Ring().call(1, 2, "stack").bytes().size();
    for (std::size_t kept = 0; kept < whole; ++kept) {
        Ring ring = Ring().process(1, 1).call(1, 2, "stack").cut(whole - kept).call(1, 3, "after");
        const auto found = ring.found();
        ASSERT_FALSE(found.empty()) << kept;
        ASSERT_LE(found.size(), 2U) << kept;
        EXPECT_EQ(found.back().call.time_ns, 3U) << kept;
        EXPECT_EQ(ring.reader().read_part(found.back().stack), "after") << kept;
        if (found.size() == 2) {
            EXPECT_EQ(found[0].call.time_ns, 2U) << kept;
            EXPECT_GE(kept, whole - 5) << "a head that is not whole was taken for one";
        }
    }
}

TEST(RingReader, RefusesWhatNoWriterWrites) {
    Ring ring = Ring().garbage(std::string(100, 'g')).process(1, 1).call(1, 2, "");
    ASSERT_EQ(ring.found().size(), 1U);
    const std::size_t head = ring.bytes().size() - sizeof(RingCall);
    for (const std::size_t offset :
         {offsetof(RingCall, version), offsetof(RingCall, kind), offsetof(RingCall, call),
          offsetof(RingCall, protocol), offsetof(RingCall, kernel_chose),
          offsetof(RingCall, local) + offsetof(Endpoint, family),
          offsetof(RingCall, local) + offsetof(Endpoint, v4_mapped)}) {
        Ring broken = ring;
        broken.bytes()[head + offset] = '\xee';
        EXPECT_TRUE(broken.found().empty()) << offset;
    }
    EXPECT_TRUE(Ring().found().empty());
    EXPECT_TRUE(Ring().garbage(std::string(ring_mark.data(), ring_mark.size())).found().empty());
}

TEST(RingReader, AnyByteChangedIsReadToItsEnd) {
    const Ring ring = Ring().process(1, 1).call(1, 2, "stack").process(2, 1).call(2, 3, "stack");
    Ring broken = ring;
    for (std::size_t index = 0; index < broken.bytes().size(); ++index) {
        for (const char byte : {'\0', '\xff', 'p'}) {
            const char before = std::exchange(broken.bytes()[index], byte);
            EXPECT_LE(broken.found().size(), 2U) << index;
            broken.bytes()[index] = before;
        }
    }
}

TEST(RingReader, StartsWhereWhatIsKeptBegins) {
    Ring ring = Ring().process(1, 1).call(1, 2, "forgotten");
    ring.garbage(std::string(ring_capacity, '\0')).process(1, 3).call(1, 4, "kept");
    EXPECT_TRUE(ring.reader().has_forgotten());
    const auto found = ring.found();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].call.time_ns, 4U);
}

} // namespace
} // namespace portguard::test
