#include "tools/ci/ring_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace portguard::tools {

RingFolder::RingFolder() {
    for (const char* const parent : {"/dev/shm", "/tmp"}) {
        std::string name = std::string(parent) + "/portguard-ci-XXXXXX";
        if (::mkdtemp(name.data()) != nullptr) {
            folder_ = name;
            path_ = name + "/ring";
            return;
        }
    }
}

RingFolder::~RingFolder() {
    std::error_code error;
    if (!folder_.empty()) {
        std::filesystem::remove_all(folder_, error);
    }
}

} // namespace portguard::tools
