#include "explain/snapshot_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "core/options.h"
#include "kernel/diag_message.h"
#include "kernel/port_look.h"

namespace portguard {
namespace {

static_assert(std::is_trivially_copyable_v<Snapshot>);

/// Asked of the bytes, since a bool that is neither 0 nor 1 must not even be read as one.
class Field {
public:
    explicit Field(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool is_flag(std::size_t offset) const { return is_at_most(offset, 1); }

    template <typename Enumeration>
    [[nodiscard]] bool is_up_to(std::size_t offset, Enumeration last) const {
        static_assert(sizeof last == 1);
        return is_at_most(offset, static_cast<unsigned>(last));
    }

private:
    [[nodiscard]] bool is_at_most(std::size_t offset, unsigned most) const {
        return std::to_integer<unsigned>(bytes_[offset]) <= most;
    }

    std::span<const std::byte> bytes_;
};

// As GCC has it for a type of standard layout; Config is one but for its private members.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

// One layout, whatever the word size of the program that wrote it.
static_assert(alignof(Snapshot) == 8 && alignof(Config) == 8 && alignof(PortSet) == 8);
static_assert(offsetof(Snapshot, registers) == 64 && offsetof(Snapshot, exe) == 520 &&
              offsetof(Snapshot, config) == 1032);

bool is_sound(const Field& field) {
    return field.is_up_to(offsetof(Snapshot, kind), EventKind::joined) &&
           field.is_up_to(offsetof(Snapshot, call), Call::setsockopt) &&
           field.is_flag(offsetof(Snapshot, stderr_is_ours)) && field.is_flag(offsetof(Snapshot, no_color)) &&
           field.is_flag(offsetof(Snapshot, has_memory)) &&
           field.is_flag(offsetof(Snapshot, socket_stands_in)) &&
           field.is_flag(offsetof(Snapshot, has_look)) &&
           field.is_flag(offsetof(Snapshot, config) + offsetof(Config, has_listen));
}

#pragma GCC diagnostic pop

template <std::size_t length>
bool is_ended(const char (&text)[length]) {
    return std::memchr(text, '\0', length) != nullptr;
}

bool are_lengths_sound(const Snapshot& snapshot, std::size_t behind) {
    const Config& config = snapshot.config;
    return snapshot.address_length <= sizeof snapshot.address && snapshot.stack_bytes <= behind &&
           snapshot.stack_bytes <= snapshot_stack_capacity && is_ended(snapshot.program) &&
           is_ended(snapshot.exe) && is_ended(config.only) && is_ended(config.log.path) &&
           is_ended(config.record) && config.listen.is_sound() && config.inject.is_sound() &&
           snapshot.pid > 0;
}

/// Each option reads what it prints: no word, number or path that the guard would not have taken. Of listen,
/// which alone may be longer than this, every set is one.
bool are_options_sound(const Config& config) {
    Config again;
    const std::span<const Option> options = option_table();
    return std::all_of(options.begin(), options.end(), [&](const Option& option) {
        Text<4096> value;
        option.print(config, value);
        Text<256> why;
        return value.empty() || value.truncated() || option.assign(again, value.view(), why);
    });
}

std::optional<std::vector<DiagSocket>> parse_look(std::span<const std::byte> bytes) {
    std::vector<DiagSocket> sockets;
    DumpParser parser(Protocol::tcp, PortRange{}, seen_sequence);
    const bool is_sound = bytes.empty() || parser.feed(bytes, sockets) == DumpProgress::more;
    return is_sound ? std::optional(std::move(sockets)) : std::nullopt;
}

} // namespace

std::optional<ReadSnapshot> parse_snapshot(std::span<const std::byte> bytes) {
    ReadSnapshot read;
    if (bytes.size() < sizeof(Snapshot) || !is_sound(Field(bytes))) {
        return std::nullopt;
    }
    std::memcpy(static_cast<void*>(&read.snapshot), bytes.data(), sizeof(Snapshot));
    const std::span<const std::byte> behind = bytes.subspan(sizeof(Snapshot));
    if (read.snapshot.size != sizeof(Snapshot) || read.snapshot.version != snapshot_version ||
        !are_lengths_sound(read.snapshot, behind.size()) || !are_options_sound(read.snapshot.config)) {
        return std::nullopt;
    }
    read.stack.assign(behind.begin(), behind.begin() + read.snapshot.stack_bytes);
    return read;
}

std::optional<ReadSnapshot> read_snapshot(int fd) {
    struct stat about {};
    constexpr std::size_t most = sizeof(Snapshot) + snapshot_stack_capacity;
    std::vector<std::byte> bytes(
        fstat(fd, &about) == 0 ? std::min(most, static_cast<std::size_t>(about.st_size)) : most);
    std::size_t used = 0;
    while (used < bytes.size()) {
        const ssize_t length = pread(fd, bytes.data() + used, bytes.size() - used, static_cast<off_t>(used));
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length <= 0) {
            break;
        }
        used += static_cast<std::size_t>(length);
    }
    return parse_snapshot(std::span(bytes).first(used));
}

std::optional<std::vector<DiagSocket>> read_look(int fd) {
    std::vector<std::byte> bytes(sizeof(Snapshot));
    const auto read_at = [fd, &bytes](std::size_t offset) {
        return pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
               static_cast<ssize_t>(bytes.size());
    };
    if (!read_at(0) || !is_sound(Field(bytes))) {
        return std::nullopt;
    }
    Snapshot snapshot;
    std::memcpy(static_cast<void*>(&snapshot), bytes.data(), sizeof snapshot);
    if (!snapshot.has_look || snapshot.look_bytes > snapshot_look_capacity ||
        snapshot.stack_bytes > snapshot_stack_capacity) {
        return std::nullopt;
    }
    bytes.resize(snapshot.look_bytes);
    return read_at(sizeof(Snapshot) + snapshot.stack_bytes) ? parse_look(bytes) : std::nullopt;
}

} // namespace portguard
