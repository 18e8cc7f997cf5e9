// The answer of `portguard who`: who holds a port, and what a bind would say.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "explain/cause.h"
#include "explain/cures.h"
#include "explain/facts.h"
#include "explain/text_block.h"
#include "tools/common/asked_port.h"
#include "tools/common/terminal_width.h"
#include "tools/who/also_listens.h"

namespace portguard::tools {

struct WhoAnswer {
    AskedPort asked;
    /// As if a bind had failed there: what cause and cures are judged by.
    Facts facts;
    /// errno of a bind; 0: it would succeed.
    int plain_error = 0;
    /// With SO_REUSEADDR; nothing: not known. UDP: not asked, since a second socket would take datagrams.
    std::optional<int> reuseaddr_error;
    /// What else would end with those that hold the port.
    std::vector<AlsoListens> also_listens;

    [[nodiscard]] bool is_udp() const { return facts.event.protocol == Protocol::udp; }
    [[nodiscard]] bool is_held() const { return !facts.holders.holders.empty() || is_in_use(plain_error); }
    [[nodiscard]] static bool is_in_use(std::optional<int> error);
};

struct WhoWish {
    AskedPort asked;
    Protocol protocol = Protocol::tcp;
    /// Rights::inside.
    std::string inside;
    /// HolderOptions::accepted_flags.
    bool accepted_flags = false;
};

/// Asks the kernel and /proc. `config` has to outlive the answer.
WhoAnswer ask_who(const WhoWish& wish, const Config& config);

struct TextShape {
    bool coloured = false;
    /// Of a terminal; command lines are whole where there is none.
    std::size_t width = unlimited_width;
    /// Each socket with its process and its flag, however many there are.
    bool verbose = false;
};

/// Sentences are broken at 80 columns. It is at most a screen, but for -v and on terminals that are narrower.
std::string who_text(const WhoAnswer& answer, const TextShape& shape);
/// "UDP port 10000 is free".
std::string free_line(const WhoAnswer& answer, const TextShape& shape);
/// With `first_line` in it, for answers of either kind.
TextBlock block_for(const std::string& first_line, const TextShape& shape);
/// One line.
std::string who_json(const WhoAnswer& answer);

} // namespace portguard::tools
