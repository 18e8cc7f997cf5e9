// A folder that goes with the test.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace portguard::test {

/// Below /tmp and open to every user, since some tests become one.
class TemporaryFolder {
public:
    TemporaryFolder() {
        char name[] = "/tmp/portguard-test-XXXXXX";
        if (::mkdtemp(name) == nullptr) {
            throw std::system_error(errno, std::generic_category(), "mkdtemp");
        }
        path_ = name;
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

    /// Makes a file, and the folders above it; returns its path.
    [[nodiscard]] std::string write(std::string_view name, std::string_view text,
                                    unsigned mode = 0644) const {
        const std::filesystem::path path = path_ / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
        std::filesystem::permissions(path, std::filesystem::perms(mode));
        return path.string();
    }

private:
    std::filesystem::path path_;
};

} // namespace portguard::test
