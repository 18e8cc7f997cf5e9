#include "tools/cli/raw_text.h"

#include "core/text.h"

namespace portguard::tools {

std::vector<std::string> paragraphs_of(std::string_view text) {
    std::vector<std::string> paragraphs;
    bool continues = false;
    while (!text.empty()) {
        const std::string_view line = next_field(text, '\n');
        if (line.empty()) {
            continues = false;
        } else if (continues) {
            paragraphs.back().append(" ").append(line);
        } else {
            paragraphs.emplace_back(line);
            continues = true;
        }
    }
    return paragraphs;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::string_view line = next_field(text, '\n');
        if (!line.empty()) {
            lines.push_back(line);
        }
    }
    return lines;
}

std::vector<ExitStatus> statuses_of(std::string_view text) {
    std::vector<ExitStatus> statuses;
    for (std::string_view line : lines_of(text)) {
        const std::string_view status = next_field(line, ' ');
        statuses.push_back({status, trimmed(line)});
    }
    return statuses;
}

} // namespace portguard::tools
