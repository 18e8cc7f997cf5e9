// Which programs of a run had the guard in them: seen from outside, since where it is not, nothing tells.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/ci/front_ends.h"
#include "tools/ci/process_tree.h"
#include "tools/common/elf_file.h"

namespace portguard::tools {

class Coverage {
public:
    Coverage();

    /// Looks at every process below this one.
    void sample();

    /// Lines for a person: how many programs were seen, which of them the library was not in, and why; what a
    /// supervisor was beside, and what neither of them has judged.
    [[nodiscard]] std::string receipt(const GuardingSides& sides) const;

private:
    enum class Presence { starting, inside, outside };

    /// A process between two calls of execve(2).
    struct Program {
        std::string path;
        Presence presence = Presence::starting;
        /// For Presence::outside.
        std::string reason;
    };

    [[nodiscard]] std::string receipt_of_library(bool beside_supervisor) const;
    void look_at(const TreeProcess& process);
    void judge(const TreeProcess& process, bool was_seen_before, Program& program);
    const std::string& obstacle_of(const TreeProcess& process, const std::string& path);

    ElfFile own_elf_;
    std::map<TreeProcess, std::vector<Program>> programs_;
    /// Of each file that has been judged.
    std::map<std::string, std::string> obstacles_;
    bool can_list_ = false;
};

} // namespace portguard::tools
