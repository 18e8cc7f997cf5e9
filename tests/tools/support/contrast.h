// WCAG 2.2, 1.4.3: how well text can be read.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace portguard::test {

inline constexpr double least_contrast = 4.5;

/// Of red, green and blue, 0 to 255 each: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
inline double luminance(const std::array<int, 3>& colour) {
    const auto linear = [](int value) {
        const double part = value / 255.0;
        return part <= 0.03928 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

/// "#fff", "#1b2430".
inline double luminance(const std::string& colour) {
    const std::size_t digits = colour.size() == 4 ? 1 : 2;
    std::array<int, 3> parts{};
    for (std::size_t part = 0; part < parts.size(); ++part) {
        const std::string text = colour.substr(1 + digits * part, digits);
        parts[part] = std::stoi(digits == 1 ? text + text : text, nullptr, 16);
    }
    return luminance(parts);
}

inline double contrast(double left, double right) {
    return (std::max(left, right) + 0.05) / (std::min(left, right) + 0.05);
}

} // namespace portguard::test
