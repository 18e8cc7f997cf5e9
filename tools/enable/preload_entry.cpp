#include "tools/enable/preload_entry.h"

#include <algorithm>
#include <filesystem>

#include "core/text.h"
#include "tools/common/preload_list.h"
#include "tools/common/reachability.h"
#include "tools/enable/brief_run.h"

namespace portguard::tools {
namespace {

namespace fs = std::filesystem;

/// The loader itself says what it takes `entry` for: what $LIB is differs by distribution (ld.so(8)).
/// `library`: its path, or the end of it.
bool is_taken_for(const std::string& entry, const std::string& library, const Loader& loader) {
    const Ended listed = run_briefly({.words = {loader.path, "--list", loader.libc},
                                      .environment = {std::string(preload_variable) + "=" + entry}});
    // It may be in force already, by another entry.
    return listed.output.find(library) != std::string::npos && listed.errors.find(entry) == std::string::npos;
}

} // namespace

std::string preload_entry(const std::string& library, const std::vector<Loader>& loaders) {
    const std::string own_loader(base_name(own_elf().interpreter));
    const auto own = std::find_if(loaders.begin(), loaders.end(), [&](const Loader& loader) {
        return base_name(loader.path) == own_loader && !loader.libc.empty();
    });
    if (own == loaders.end()) {
        return library;
    }
    // An installation's folder of links, which has what every loader takes $LIB for.
    ElfFile program = own_elf();
    program.interpreter = own->path;
    if (std::string linked = preload_entry_for(program);
        linked != library && is_taken_for(linked, "/" + std::string(shim_name), *own)) {
        return linked;
    }
    // PREFIX/lib64, or PREFIX/lib/x86_64-linux-gnu.
    fs::path prefix = fs::path(library).parent_path();
    for (int levels = 0; levels < 2; ++levels) {
        prefix = prefix.parent_path();
        std::string entry = (prefix / "$LIB" / shim_name).string();
        if (is_taken_for(entry, library, *own)) {
            return entry;
        }
    }
    return library;
}

} // namespace portguard::tools
