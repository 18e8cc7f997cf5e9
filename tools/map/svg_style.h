#pragma once

#include <string>

namespace portguard::tools {

/// The picture's <style> and <defs>, light, and dark where the viewer prefers it. Each colour is written out:
/// librsvg, which desktops draw thumbnails with, knows no variables of CSS, and took all for black.
std::string svg_style();

} // namespace portguard::tools
