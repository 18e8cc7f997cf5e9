// The file that execvp(3) would run, and its bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/common/elf_file.h"

namespace portguard::tools {

/// A file mapped for reading; no bytes where that cannot be had (it may still be executable).
class MappedFile {
public:
    explicit MappedFile(const std::string& path);
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] Bytes bytes() const { return {static_cast<const std::byte*>(memory_), size_}; }
    [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(memory_), size_}; }

private:
    void* memory_ = nullptr;
    std::size_t size_ = 0;
};

/// What execvp(3) searches where there is no PATH (confstr(_CS_PATH)).
inline constexpr const char* path_without_path = "/bin:/usr/bin";

/// What execvp(3) searches in this environment.
std::string search_path();

/// `name` as it is where it holds a slash, else from the folders of `path`. Throws Refusal where no such file
/// is, or none that may be executed.
std::string find_program(const std::string& name, std::string_view path);

} // namespace portguard::tools
