// portguard-explain, the executable that comes with the shim.
#pragma once

#include <string>

#include "core/snapshot.h"

namespace portguard::tools {

/// Its absolute path. Throws Refusal where it is missing.
std::string find_explainer();

/// For a program of each word size.
struct ExplainerPaths {
    std::string own;
    /// On an x86-64 host; empty: none is installed.
    std::string i386;
};
/// As find_explainer().
ExplainerPaths find_explainers();

/// The same file, whatever becomes of the folders or of this process's rights.
class Explainer {
public:
    /// Throws Refusal where it cannot be opened.
    Explainer();
    Explainer(const Explainer&) = delete;
    Explainer& operator=(const Explainer&) = delete;
    ~Explainer();

    /// What the guard would report of a call of this process on `socket`: what `snapshot` has to log to
    /// standard error, without a stack. Empty: nothing.
    [[nodiscard]] std::string report(const Snapshot& snapshot, int socket) const;

private:
    int fd_;
};

} // namespace portguard::tools
