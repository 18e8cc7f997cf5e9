#include "tools/repro/recorded_program.h"

#include <algorithm>

#include "kernel/holders.h"

namespace portguard::tools {
namespace {

/// execve(2) would end the word there, and start another command than the one that is shown.
bool has_nul(const std::string& word) {
    return word.find('\0') != std::string::npos;
}

/// The guard cures where the fix says so, or where the event is its own doing; else it looks on.
bool enforces(const Scene& scene, Fix fix) {
    return fix == Fix::reuseaddr || scene.kind == EventKind::refused || scene.kind == EventKind::cured;
}

} // namespace

std::vector<std::string> recorded_program(const EventRecord& event,
                                          const std::function<bool(const std::string&)>& is_here) {
    std::vector<std::string> words = event.process.argv.value_or(std::vector<std::string>{});
    if (words.empty() || words.front().empty()) {
        return {};
    }
    if (words.front().find('/') != std::string::npos && !is_here(words.front()) &&
        event.process.exe.has_value()) {
        words.front() = *event.process.exe;
    }
    return std::any_of(words.begin(), words.end(), has_nul) ? std::vector<std::string>{} : words;
}

std::map<std::string, std::string> guard_variables(const Scene& scene, Fix fix, const std::string& log) {
    std::map<std::string, std::string> variables{
        {"PORTGUARD_LOG", "file:" + log},
        {"PORTGUARD_FORMAT", "json"},
        {"PORTGUARD_LEVEL", "info"},
        {"PORTGUARD_MODE", enforces(scene, fix) ? "enforce" : "observe"},
    };
    if (scene.kind == EventKind::refused) {
        variables["PORTGUARD_LISTEN"] = scene.listen;
        variables["PORTGUARD_DENY_ERRNO"] = describe_errno(scene.error);
    }
    return variables;
}

} // namespace portguard::tools
