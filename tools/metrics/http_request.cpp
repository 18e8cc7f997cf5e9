#include "tools/metrics/http_request.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace portguard::tools {
namespace {

struct Status {
    int number;
    std::string_view reason;
    std::string_view text;
};

constexpr std::array statuses{
    Status{200, "OK", ""},
    Status{400, "Bad Request", "This is not an HTTP request.\n"},
    Status{404, "Not Found", "The metrics are at /metrics.\n"},
    Status{405, "Method Not Allowed", "The methods are GET and HEAD.\n"},
    Status{431, "Request Header Fields Too Large", "A request has 8192 bytes at most.\n"},
};

const Status& status_of(int number) {
    return *std::find_if(statuses.begin(), statuses.end(),
                         [number](const Status& status) { return status.number == number; });
}

char lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool is_same_word(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char one, char other) { return lower(one) == lower(other); });
}

/// "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1". What a client likes best is not weighed: who
/// names OpenMetrics reads it.
bool accepts_openmetrics(std::string_view accepted) {
    while (!accepted.empty()) {
        std::string_view range = next_field(accepted, ',');
        const std::string_view type = trimmed(next_field(range, ';'));
        const bool is_excluded = range.ends_with("q=0") || range.ends_with("q=0.0");
        if (is_same_word(type, "application/openmetrics-text") && !is_excluded) {
            return true;
        }
    }
    return false;
}

/// "GET /metrics HTTP/1.1".
void take_request_line(std::string_view line, HttpRequest& request) {
    const std::string_view method = next_field(line, ' ');
    const std::string_view target = next_field(line, ' ');
    const std::string_view path = target.substr(0, target.find('?'));
    if (method.empty() || !target.starts_with('/') || !line.starts_with("HTTP/1.")) {
        request.status = 400;
    } else if (method != "GET" && method != "HEAD") {
        request.status = 405;
    } else if (path != "/metrics") {
        request.status = 404;
    }
    request.is_head = method == "HEAD";
}

} // namespace

std::optional<HttpRequest> parse_request(std::string_view received) {
    HttpRequest request;
    const std::size_t end = std::min(received.find("\r\n\r\n"), received.find("\n\n"));
    // Also where it has no end.
    if (end > longest_request) {
        request.status = 431;
        return received.size() > longest_request ? std::optional(request) : std::nullopt;
    }
    std::string_view head = received.substr(0, end);
    take_request_line(trimmed(next_field(head, '\n')), request);
    while (!head.empty()) {
        std::string_view line = next_field(head, '\n');
        if (is_same_word(next_field(line, ':'), "accept") && accepts_openmetrics(trimmed(line))) {
            request.format = ExpositionFormat::openmetrics;
        }
    }
    return request;
}

std::string http_answer(const HttpRequest& request, std::string_view page) {
    const Status& status = status_of(request.status);
    const bool is_page = request.status == 200;
    const std::string_view body = is_page ? page : status.text;
    std::string answer =
        "HTTP/1.1 " + std::to_string(status.number) + " " + std::string(status.reason) + "\r\n";
    answer.append("Content-Type: ")
        .append(is_page ? content_type(request.format) : "text/plain; charset=utf-8");
    answer.append("\r\nContent-Length: ").append(std::to_string(body.size()));
    answer.append(request.status == 405 ? "\r\nAllow: GET, HEAD" : "");
    answer.append("\r\nConnection: close\r\n\r\n");
    return request.is_head ? answer : answer.append(body);
}

} // namespace portguard::tools
