// What whoever connects to `portguard metrics --listen` may send.
#include <cstddef>
#include <cstdint>

#include "fuzz/claims.h"
#include "tools/metrics/http_request.h"

using namespace portguard;
using namespace portguard::tools;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::view_of(data, size);
    const auto request = parse_request(text);
    fuzz::require(request.has_value() || text.size() <= longest_request, "a long request ends");
    if (request.has_value()) {
        const std::string answer = http_answer(*request, "page");
        fuzz::require(answer.starts_with("HTTP/1.1 "), "each request has an answer");
        fuzz::require(request->is_head == answer.ends_with("\r\n\r\n"), "only HEAD has no body");
    }
    return 0;
}
