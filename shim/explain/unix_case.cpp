#include "explain/unix_case.h"

#include <algorithm>
#include <string_view>

#include "core/text.h"
#include "explain/holder_summary.h"

namespace portguard {
namespace {

std::string_view kind_words(PathKind kind) {
    switch (kind) {
    case PathKind::symbolic_link: return "a symbolic link";
    case PathKind::folder: return "a folder";
    case PathKind::regular_file: return "a regular file";
    default: return "no socket";
    }
}

/// Some socket is bound to it, and who has that is not seen here.
std::string unseen_words(const UnixLook& look) {
    return look.report.sockets_complete ? "a process of another network namespace" : "some process";
}

bool needs_no_quotes(char character) {
    constexpr std::string_view harmless_marks = "/._-+:@%,=";
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || harmless_marks.find(character) != std::string_view::npos;
}

} // namespace

std::string pasted_path(const std::string& path) {
    if (harmless(path) != path || path.find('\'') != std::string::npos) {
        return {};
    }
    return std::all_of(path.begin(), path.end(), needs_no_quotes) ? path : "'" + path + "'";
}

UnixCase case_of(const UnixLook& look) {
    if (!look.report.holders.empty()) {
        return look.report.holders.front().socket.state == SocketState::listen ? UnixCase::listener
                                                                               : UnixCase::bound;
    }
    switch (look.kind) {
    case PathKind::socket:
        return !look.is_bound.has_value() ? UnixCase::unknown
               : *look.is_bound           ? UnixCase::bound
                                          : UnixCase::stale;
    case PathKind::abstract: return look.report.sockets_complete ? UnixCase::vanished : UnixCase::unknown;
    case PathKind::missing: return UnixCase::vanished;
    case PathKind::unknown: return UnixCase::unknown;
    default: return UnixCase::not_a_socket;
    }
}

std::string unix_sentence(const UnixLook& look, const std::string& name) {
    const auto& holders = look.report.holders;
    const std::string who =
        holders.empty() ? unseen_words(look) : describe_owner(look.report, holders.front());
    switch (case_of(look)) {
    case UnixCase::listener: return who + " listens on " + name;
    case UnixCase::bound: return who + " has bound " + name;
    case UnixCase::stale:
        return "no process has bound " + name +
               " any more: the file is of one that ended without removing it";
    case UnixCase::not_a_socket:
        return name + " is " + std::string(kind_words(look.kind)) +
               ", and bind makes no socket over what is there";
    case UnixCase::vanished: return "no process has " + name + " any more: it was released meanwhile";
    case UnixCase::unknown: break;
    }
    if (look.connect_error != 0 && look.report.sockets_complete) {
        return "no process of this network namespace has bound " + name +
               ": one that ended has left it behind, or one of another network namespace has bound it";
    }
    return "who has " + name + " could not be seen";
}

std::string removal(const UnixLook& look, const std::string& path, Removal how) {
    const std::string word = pasted_path(path);
    if (look.kind != PathKind::socket || word.empty() || word.front() == '-') {
        return {};
    }
    return std::string(look.removal_needs_root ? "sudo " : "") + (how == Removal::plain ? "rm " : "rm -f ") +
           word;
}

std::string shown_unix_name(std::string_view name) {
    Text<256> shown;
    print_unix_name(name, shown);
    return std::string(shown.view());
}

} // namespace portguard
