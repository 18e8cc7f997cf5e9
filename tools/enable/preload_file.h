// /etc/ld.so.preload, in which the loader of glibc looks for what every program gets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

namespace portguard::tools {

inline constexpr const char* system_preload_file = "/etc/ld.so.preload";

/// The entries of `text` that are libportguard.so, wherever it lies. As the loader reads it (elf/rtld.c,
/// do_preload): blanks and colons separate entries, '#' begins a comment.
std::vector<std::string> own_entries(std::string_view text);

/// `text` with no entry of ours, and every other line as it was.
std::string without_own_entries(std::string_view text);

/// `text` with `entry` as the one of ours: unchanged where it is that already, else before all others.
std::string with_entry(std::string_view text, const std::string& entry);

/// The file as it is.
struct SystemPreload {
    bool exists = false;
    std::string text;
    mode_t mode = 0644;
};

/// Throws Refusal where it is something else than a plain file.
SystemPreload read_system_preload();

/// A text in a file beside the real one, which it replaces or leaves: whole or not at all.
class PreloadDraft {
public:
    /// Throws Refusal.
    PreloadDraft(std::string_view text, mode_t mode);
    PreloadDraft(const PreloadDraft&) = delete;
    PreloadDraft& operator=(const PreloadDraft&) = delete;
    ~PreloadDraft();

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Throws Refusal.
    void replace_the_real_one();

private:
    std::string path_;
};

/// Throws Refusal.
void remove_system_preload();

} // namespace portguard::tools
