// A .gopclntab as Go's linker writes it, of a version each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "explain/elf_image.h"

namespace portguard::test {

enum class GoVersion : std::uint32_t {
    go_1_2 = 0xfffffffb,
    go_1_16 = 0xfffffffa,
    go_1_18 = 0xfffffff0,
    go_1_20 = 0xfffffff1,
};

/// Two functions, main.main of [0x1000, 0x1040) and net.(*netFD).listenStream of [0x1040, 0x1100): line 7 of
/// /src/main.go and, from 0x1050 on, line 90 of /src/sock_posix.go; nothing on the stack up to 0x1048, 104
/// bytes from there on.
class GoTableWriter {
public:
    explicit GoTableWriter(GoVersion version) : version_(version) {
        if (version == GoVersion::go_1_2) {
            write_single_space();
        } else {
            write_parts();
        }
    }

    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

private:
    struct Offsets {
        std::uint32_t name, stack, file, line, unit;
    };

    [[nodiscard]] bool counts_from_text() const {
        return version_ == GoVersion::go_1_18 || version_ == GoVersion::go_1_20;
    }

    template <typename Value>
    void add(Value value) {
        append_value(bytes_, value);
    }
    std::uint32_t add_text(const std::string& text) {
        const auto at = static_cast<std::uint32_t>(bytes_.size());
        for (const char letter : text) {
            add(letter);
        }
        add('\0');
        return at;
    }
    /// {difference to the value before, length} and so on.
    std::uint32_t add_values(const std::vector<std::pair<std::int32_t, std::uint32_t>>& steps) {
        const auto at = static_cast<std::uint32_t>(bytes_.size());
        for (const auto& [difference, length] : steps) {
            const auto value = static_cast<std::uint32_t>(difference);
            add_number(difference < 0 ? ~(value << 1) : value << 1);
            add_number(length);
        }
        add(std::uint8_t{0});
        return at;
    }
    void add_number(std::uint32_t number) {
        for (; number >= 0x80; number >>= 7) {
            add(static_cast<std::uint8_t>(number | 0x80));
        }
        add(static_cast<std::uint8_t>(number));
    }
    template <typename Value>
    void put(std::size_t at, Value value) {
        std::memcpy(bytes_.data() + at, &value, sizeof value);
    }
    void add_head() {
        add(static_cast<std::uint32_t>(version_));
        add(std::uint16_t{0});
        add(std::uint8_t{1});
        add(std::uint8_t{8});
    }
    void add_record(std::uint64_t entry, const Offsets& offsets) {
        if (counts_from_text()) {
            add(static_cast<std::uint32_t>(entry - text_start));
        } else {
            add(entry);
        }
        for (const std::uint32_t field :
             {offsets.name, 0U, 0U, offsets.stack, offsets.file, offsets.line, 0U, offsets.unit}) {
            add(field);
        }
    }

    // Values begin at -1.
    std::uint32_t add_main_stack() { return add_values({{1, 0x40}}); }
    std::uint32_t add_net_stack() { return add_values({{1, 8}, {104, 0xb8}}); }
    std::uint32_t add_main_line() { return add_values({{8, 0x40}}); }
    std::uint32_t add_net_line() { return add_values({{81, 0x10}, {10, 0xb0}}); }

    void write_single_space() {
        add_head();
        add(std::uint64_t{2});
        const std::size_t list = bytes_.size();
        bytes_.resize(list + 5 * 8 + 4);
        const Offsets of_main{add_text("main.main"), add_main_stack(), add_values({{2, 0x40}}),
                              add_main_line(), 0};
        const Offsets of_net{add_text("net.(*netFD).listenStream"), add_net_stack(), add_values({{3, 0xc0}}),
                             add_net_line(), 0};
        const std::uint32_t files[] = {3, add_text("/src/main.go"), add_text("/src/sock_posix.go")};
        put(list + 5 * 8, static_cast<std::uint32_t>(bytes_.size()));
        for (const std::uint32_t file : files) {
            add(file);
        }
        finish_list(list, 8, of_main, of_net, 0);
    }

    void write_parts() {
        add_head();
        const unsigned words = counts_from_text() ? 8 : 7;
        const std::size_t header = bytes_.size();
        bytes_.resize(header + words * std::size_t{8});
        // No offset of values is 0, which says that there are none.
        const std::uint32_t names = add_text("");
        const std::uint32_t main_name = add_text("main.main");
        const std::uint32_t net_name = add_text("net.(*netFD).listenStream");
        const auto units = static_cast<std::uint32_t>(bytes_.size());
        // Of the first package one file, of the second two, of which the linker has left one out.
        for (const std::uint32_t file : {0U, ~0U, 13U}) {
            add(file);
        }
        const std::uint32_t files = add_text("/src/main.go");
        add_text("/src/sock_posix.go");
        const std::uint32_t values = add_text("");
        const Offsets of_main{main_name - names, add_main_stack() - values, add_values({{1, 0x40}}) - values,
                              add_main_line() - values, 0};
        const Offsets of_net{net_name - names, add_net_stack() - values, add_values({{2, 0xc0}}) - values,
                             add_net_line() - values, 1};
        const std::size_t list = bytes_.size();
        const std::size_t width = counts_from_text() ? 4 : 8;
        bytes_.resize(list + 5 * width);
        finish_list(list, width, of_main, of_net, list);
        std::vector<std::uint64_t> head{2, 3, names, units, files, values, list};
        if (counts_from_text()) {
            head.insert(head.begin() + 2, text_start);
        }
        for (std::size_t index = 0; index < head.size(); ++index) {
            put(header + index * 8, head[index]);
        }
    }

    void finish_list(std::size_t list, std::size_t width, const Offsets& of_main, const Offsets& of_net,
                     std::size_t records_from) {
        const std::uint64_t entries[] = {0x1000, 0x1040, 0x1100};
        std::vector<std::uint64_t> records;
        for (const Offsets* const offsets : {&of_main, &of_net}) {
            records.push_back(bytes_.size() - records_from);
            add_record(entries[records.size() - 1], *offsets);
        }
        const auto put_word = [&](std::size_t index, std::uint64_t value) {
            if (width == 4) {
                put(list + index * 4, static_cast<std::uint32_t>(value));
            } else {
                put(list + index * 8, value);
            }
        };
        for (std::size_t index = 0; index < 3; ++index) {
            put_word(2 * index, counts_from_text() ? entries[index] - text_start : entries[index]);
            if (index < 2) {
                put_word(2 * index + 1, records[index]);
            }
        }
    }

    static constexpr std::uint64_t text_start = 0x1000;
    GoVersion version_;
    std::vector<std::byte> bytes_;
};

} // namespace portguard::test
