// As much of HTTP/1.1 (RFC 9112) as a scraper needs: GET and HEAD of one page, one request per connection.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "tools/metrics/exposition.h"

namespace portguard::tools {

/// Prometheus sends a tenth of it.
inline constexpr std::size_t longest_request = 8192;

struct HttpRequest {
    /// 200, or why there is no page: 400, 404, 405, 431.
    int status = 200;
    /// Only the head of the answer is wanted.
    bool is_head = false;
    ExpositionFormat format = ExpositionFormat::text;
};

/// Takes bytes from anywhere. Nothing: the request has not come to its end.
std::optional<HttpRequest> parse_request(std::string_view received);

/// `page` where the status is 200.
std::string http_answer(const HttpRequest& request, std::string_view page);

} // namespace portguard::tools
