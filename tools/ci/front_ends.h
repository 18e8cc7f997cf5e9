// What guards the programs of a run: the library in them, a supervisor beside them, or both.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "tools/cli/command.h"
#include "tools/common/guarded_program.h"

namespace portguard::tools {

/// As it came out.
struct GuardingSides {
    bool has_library = true;
    bool has_supervisor = false;
    /// What does not hold, or has passed unjudged, each for people.
    std::vector<std::string> limits = {};
};

class FrontEnds {
public:
    /// `program` goes without the library where that is not to be in it. Throws Refusal where it can be
    /// guarded by nothing that was asked for. `config` outlives this.
    FrontEnds(const Arguments& arguments, const Config& config, GuardedProgram& program);
    FrontEnds(const FrontEnds&) = delete;
    FrontEnds& operator=(const FrontEnds&) = delete;
    ~FrontEnds();

    /// In the process that is about to become the program. Throws Refusal.
    void enter() const;
    /// In the process that has started it, once it has ended.
    [[nodiscard]] GuardingSides outcome() const;

private:
    struct Shared;

    void choose(const Arguments& arguments);
    void start() const;

    const Config& config_;
    bool has_library_ = true;
    bool tries_supervisor_ = false;
    /// The library alone would do.
    bool may_do_without_ = false;
    bool refuses_io_uring_ = false;
    /// What keeps the library out of the program, where that matters.
    std::string obstacle_;
    /// Why no supervisor is tried, though one would be welcome.
    std::string why_none_;
    /// With the process that becomes the program, and with its supervisor.
    Shared* shared_;
};

} // namespace portguard::tools
