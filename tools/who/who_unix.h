// `portguard who PATH`: who has the name of a unix socket.
#pragma once

#include <string>

#include "kernel/unix_sockets.h"
#include "tools/who/who_answer.h"

namespace portguard::tools {

/// "./s", "/run/x.sock", "@name": no port, which has no slash but that of "/tcp" or "/udp".
bool is_unix_name(const std::string& word);

struct UnixAnswer {
    /// As the command line has it.
    std::string word;
    UnixLook look;

    /// A bind of the name would say EADDRINUSE.
    [[nodiscard]] bool is_held() const;
};

UnixAnswer ask_who_has_name(const std::string& word);

std::string unix_text(const UnixAnswer& answer, const TextShape& shape);
/// One line.
std::string unix_json(const UnixAnswer& answer);

} // namespace portguard::tools
