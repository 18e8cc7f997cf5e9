// The one EPERM of pidfd_getfd, told apart.
#include <cerrno>

#include <gtest/gtest.h>

#include "kernel/borrow_refusal.h"

namespace portguard::test {
namespace {

BorrowFacts refused() {
    BorrowFacts facts;
    facts.error = EPERM;
    facts.own_uid = 1000;
    facts.uid = 1000;
    facts.same_user = true;
    facts.dumpable = true;
    return facts;
}

testing::AssertionResult says(const BorrowFacts& facts, std::string_view words) {
    const std::string text = describe_refusal(facts);
    return text.find(words) != std::string::npos ? testing::AssertionSuccess()
                                                 : testing::AssertionFailure() << text;
}

TEST(BorrowRefusal, NamesTheOtherUser) {
    BorrowFacts facts = refused();
    facts.uid = 0;
    facts.same_user = false;
    EXPECT_TRUE(says(facts, "of uid 0"));
}

TEST(BorrowRefusal, NamesAProcessThatIsNotDumpable) {
    BorrowFacts facts = refused();
    facts.dumpable = false;
    EXPECT_TRUE(says(facts, "not dumpable"));
}

TEST(BorrowRefusal, NamesYamaAndItsValue) {
    BorrowFacts facts = refused();
    facts.ptrace_scope = 1;
    EXPECT_TRUE(says(facts, "ptrace_scope=1"));
    facts.ptrace_scope = 3;
    facts.has_sys_ptrace = true;
    EXPECT_TRUE(says(facts, "until the next boot"));
}

TEST(BorrowRefusal, NamesSeccompWhereNotEvenAnOwnDescriptorGoes) {
    BorrowFacts facts = refused();
    facts.own_error = EPERM;
    facts.filtered = true;
    EXPECT_TRUE(says(facts, "seccomp"));
}

TEST(BorrowRefusal, NamesAKernelWithoutTheCall) {
    BorrowFacts facts = refused();
    facts.error = facts.own_error = ENOSYS;
    EXPECT_TRUE(says(facts, "Linux 5.6"));
}

TEST(BorrowRefusal, NamesTheCapabilityThatRootInAContainerLacks) {
    BorrowFacts facts = refused();
    facts.own_uid = 0;
    facts.same_user = false;
    EXPECT_TRUE(says(facts, "CAP_SYS_PTRACE"));
}

} // namespace
} // namespace portguard::test
