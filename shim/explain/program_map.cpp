#include "explain/program_map.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <unistd.h>

#include "core/number.h"
#include "core/text.h"

namespace portguard {
namespace {

constexpr std::size_t most_bytes = std::size_t{4} << 20;

/// The kernel writes a newline in a path as "\012" (seq_path() in fs/seq_file.c).
std::string unescaped(std::string_view path) {
    constexpr std::string_view newline = "\\012";
    std::string text;
    for (std::size_t at = path.find(newline); at != std::string_view::npos; at = path.find(newline)) {
        text.append(path.substr(0, at)).push_back('\n');
        path.remove_prefix(at + newline.size());
    }
    return text.append(path);
}

std::optional<Mapping> parse_line(std::string_view line) {
    std::string_view range = next_field(line, ' ');
    const std::string_view rights = next_field(line, ' ');
    constexpr unsigned base = 16;
    const auto start = parse_number<std::uint64_t>(next_field(range, '-'), base);
    const auto end = parse_number<std::uint64_t>(range, base);
    const auto offset = parse_number<std::uint64_t>(next_field(line, ' '), base);
    next_field(line, ' '); // the device: st_dev is another number on btrfs and overlayfs
    const auto inode = parse_number<std::uint64_t>(next_field(line, ' '));
    if (!start || !end || !offset || !inode || *start >= *end || rights.size() < 4) {
        return std::nullopt;
    }
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    Mapping mapping{*start, *end, *offset, *inode, rights[1] == 'w', {}, false};
    constexpr std::string_view deleted = " (deleted)";
    mapping.is_deleted = line.ends_with(deleted);
    line.remove_suffix(mapping.is_deleted ? deleted.size() : 0);
    mapping.path = unescaped(line);
    return mapping;
}

} // namespace

std::vector<Mapping> parse_program_map(std::string_view text) {
    std::vector<Mapping> mappings;
    while (!text.empty()) {
        auto mapping = parse_line(next_field(text, '\n'));
        if (mapping.has_value() && (mappings.empty() || mappings.back().end <= mapping->start)) {
            mappings.push_back(std::move(*mapping));
        }
    }
    return mappings;
}

std::vector<Mapping> read_program_map(int fd) {
    std::string text;
    constexpr std::size_t at_once = 16384;
    while (text.size() < most_bytes) {
        const std::size_t used = text.size();
        text.resize(used + at_once);
        const ssize_t length = pread(fd, text.data() + used, at_once, static_cast<off_t>(used));
        text.resize(used + static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        if (length <= 0 && !(length < 0 && errno == EINTR)) {
            break;
        }
    }
    return parse_program_map(text);
}

} // namespace portguard
