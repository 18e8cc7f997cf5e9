// What a program may do with sockets, in scripts for victims/socket_script.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace portguard::test {

/// What the guard changes on purpose, so that a case holds only where it does not.
enum class Touches : unsigned char {
    nothing,
    /// A port that is held by the dead or by passers-by: enforce frees it (design 3.2, 3.4 step 4).
    cure,
    /// enforce with a plan reads the address before the kernel does, and cannot know that the page is gone.
    unmapped_page,
    /// The port of an outgoing connection is listened on: a plan refuses it, and without one it is told.
    ephemeral_port,
    /// The program sets SO_REUSEADDR to 0, which the supervisor does not see.
    chosen_off,
};

struct ContractCase {
    std::string_view name;
    /// %P and %Q are two ports of the case's own.
    std::string_view script;
    Touches touches = Touches::nothing;
};

std::span<const ContractCase> contract_cases();

/// The script of case number `index`.
std::string script_of(std::size_t index);

} // namespace portguard::test
