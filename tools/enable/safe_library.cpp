#include "tools/enable/safe_library.h"

#include <filesystem>

#include <sys/stat.h>

#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {

void require_roots_own(const std::string& library) {
    namespace fs = std::filesystem;
    constexpr mode_t others = S_IWGRP | S_IWOTH;
    for (fs::path path = fs::canonical(library);; path = path.parent_path()) {
        struct stat status {};
        const bool is_known = ::stat(path.c_str(), &status) == 0;
        if (!is_known || status.st_uid != 0 || (status.st_mode & others) != 0) {
            throw Refusal(
                ExitCode::findings,
                "'" + shown(path.string()) + "' is not root's alone, and '" + shown(library) +
                    "' would be in every program, those of root among them; install portguard where only "
                    "root writes, such as /usr");
        }
        if (path == path.parent_path()) {
            return;
        }
    }
}

} // namespace portguard::tools
