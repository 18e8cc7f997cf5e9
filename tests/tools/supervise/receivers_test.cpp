#include "tools/supervise/receivers.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "support/waiting.h"

namespace portguard::tools {
namespace {

using test::eventually;

constexpr unsigned threads = 8;

/// What threads receive one by one, as from a listener; whoever has one keeps it until all are in hand.
class Deliveries {
public:
    void add() {
        const std::lock_guard lock{mutex_};
        ++there_;
        changed_.notify_all();
    }
    void receive() {
        std::unique_lock lock{mutex_};
        most_waiting_ = std::max(most_waiting_, ++waiting_);
        changed_.wait(lock, [this] { return there_ > 0; });
        --there_;
        --waiting_;
        ++in_hand_;
        changed_.notify_all();
    }
    void keep_until_all_are_in_hand(unsigned all) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return in_hand_ >= all; });
    }
    unsigned most_waiting() { return locked(most_waiting_); }
    unsigned in_hand() { return locked(in_hand_); }

private:
    unsigned locked(const unsigned& value) {
        const std::lock_guard lock{mutex_};
        return value;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned there_ = 0;
    unsigned waiting_ = 0;
    unsigned most_waiting_ = 0;
    unsigned in_hand_ = 0;
};

TEST(Receivers, NoMoreWaitThanTwoAndOneDoesUntilEachThreadHasItsOwn) {
    constexpr unsigned rounds = 50;
    Receivers receivers;
    Deliveries deliveries;
    std::array<std::thread, threads> all;
    for (std::thread& thread : all) {
        thread = std::thread{[&] {
            for (unsigned round = 1; round <= rounds; ++round) {
                receivers.begin();
                deliveries.receive();
                receivers.end();
                deliveries.keep_until_all_are_in_hand(round * threads);
            }
        }};
    }
    bool is_served = true;
    for (unsigned delivered = 1; delivered <= rounds * threads; ++delivered) {
        deliveries.add();
        is_served = is_served && eventually([&] { return deliveries.in_hand() == delivered; });
    }
    for (std::thread& thread : all) {
        thread.join();
    }
    EXPECT_TRUE(is_served);
    EXPECT_EQ(deliveries.most_waiting(), Receivers::most_waiting);
}

} // namespace
} // namespace portguard::tools
