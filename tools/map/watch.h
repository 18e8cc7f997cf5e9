// --watch: a picture that is drawn again and again on the terminal's other screen.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace portguard::tools {

/// Draws the lines of `picture` every `interval`, and when the terminal has another size, until q is pressed.
/// On a signal that ends the program (ctrl-C among them) it restores the terminal and dies of that signal, as
/// whoever started it expects. Standard output has to be a terminal.
void watch(std::chrono::milliseconds interval, const std::function<std::string()>& picture);

} // namespace portguard::tools
