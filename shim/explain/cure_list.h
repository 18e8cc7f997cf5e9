// The cures of one event, as they are collected: each method adds what would work here, or nothing.
#pragma once

#include <string>
#include <vector>

#include "explain/facts.h"

namespace portguard {

struct Cure {
    /// False: for now; true: for good.
    bool lasting = false;
    /// To paste into a shell; where no command can do it, what to change.
    std::string command;
};

class CureList {
public:
    CureList(const Facts& facts, const Holder* holder);

    void now(std::string command) { cures_.push_back({false, std::move(command)}); }
    void lasting(std::string command) { cures_.push_back({true, std::move(command)}); }

    [[nodiscard]] const std::string& port() const { return port_; }
    /// "sysctl -w …", with sudo where it takes that; empty: not from here.
    [[nodiscard]] std::string sysctl(const std::string& settings) const;
    /// Likewise what takes CAP_NET_ADMIN.
    [[nodiscard]] std::string as_admin(const std::string& command) const;
    void now_if(std::string command);
    void lasting_if(std::string command);

    /// "portguard who --wait=61s 8080", for the network that was looked at.
    [[nodiscard]] std::string waiting(unsigned seconds) const;

    /// What ends the processes that have it: the command of whatever started them, or kill. Never of this
    /// process, of one that it descends from, or of process 1. `then` follows the command, and what waits for
    /// the connections among those sockets to be over.
    void stop_owner(const std::string& then = {});
    /// Makes room beside what is connected or in TIME_WAIT, where rescue could.
    void rescue();
    /// Until a bind would succeed; `otherwise`: seconds where the kernel does not say how long.
    void wait(unsigned otherwise);
    /// What would keep outgoing connections off the port.
    void keep_outgoing_off();
    /// "one of the two on another port" and " or address", with the number of a free one between them.
    void another_port(const std::string& advice, const std::string& rest = {});
    /// SO_REUSEADDR on the listener, for the next restart.
    void mark_listener();

    [[nodiscard]] bool names_free_port() const { return names_free_port_; }
    /// What helps now stands first.
    [[nodiscard]] std::vector<Cure> take();

private:
    [[nodiscard]] bool may_stop(pid_t pid) const;
    [[nodiscard]] bool is_owner_hidden() const;
    [[nodiscard]] std::string stop_command() const;
    /// `command` acts on the network that was looked at; empty: not from here.
    [[nodiscard]] std::string in_network(Permission permission, const std::string& command) const;
    [[nodiscard]] std::string until_it_is_free() const;
    [[nodiscard]] std::string look_command() const;

    const Facts& facts_;
    const Holder* holder_;
    std::string port_;
    std::vector<Cure> cures_;
    bool names_free_port_ = false;
};

/// The range that kernel and plan leave for outgoing connections when `port` is not among them; empty: there
/// is none, or the port is in none.
PortRange range_beside(const Facts& facts, std::uint16_t port);

} // namespace portguard
