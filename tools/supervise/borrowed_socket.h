// The program's socket, under a number of the supervisor's.
#pragma once

#include "preload/fd_memory.h"
#include "preload/socket_state.h"
#include "tools/supervise/answer.h"

namespace portguard::tools {

class BorrowedSocket {
public:
    BorrowedSocket(const Supervision& supervision, const Caller& caller, int program_fd);
    BorrowedSocket(const BorrowedSocket&) = delete;
    BorrowedSocket& operator=(const BorrowedSocket&) = delete;
    ~BorrowedSocket();

    [[nodiscard]] int fd() const { return fd_; }
    /// It is there, and may not be borrowed.
    [[nodiscard]] bool is_forbidden() const { return fd_ < 0 && is_borrowing_forbidden(error_); }
    /// One that the policy is about: of TCP, MPTCP or UDP, and of the network that the plan was made for.
    [[nodiscard]] bool is_guarded() const { return is_guarded_; }
    /// One of those kinds of another network.
    [[nodiscard]] bool is_of_other_network() const {
        return !is_guarded_ && facts_.protocol() != Protocol::other;
    }
    /// The kernel's answers, and the choice of the port as it was seen.
    [[nodiscard]] SocketFacts facts() const { return facts_; }
    /// After a call of the guard that went through: it has noted what it knows under fd().
    void keep_facts() const;

private:
    [[nodiscard]] SocketFacts ask_facts() const;

    TreeState& tree_;
    int fd_;
    int error_;
    bool is_guarded_ = false;
    std::uint64_t cookie_ = 0;
    SocketFacts facts_ = SocketFacts::of(Protocol::other);
};

} // namespace portguard::tools
