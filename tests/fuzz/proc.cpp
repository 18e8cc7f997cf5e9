// What stands under /proc: names, arguments and links that any process may have made up.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>

#include "fuzz/claims.h"
#include "kernel/proc.h"

using namespace portguard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::view_of(data, size);

    const ProcessStatus status = parse_status(text);
    fuzz::require(status.name.size() <= size, "a name is part of the text");
    fuzz::require(status.name.find('\n') == std::string::npos, "a name is one line");

    const auto arguments = parse_command_line(text);
    const std::size_t bytes =
        std::accumulate(arguments.begin(), arguments.end(), arguments.size(),
                        [](std::size_t sum, const std::string& argument) { return sum + argument.size(); });
    fuzz::require(bytes == size || bytes == size + 1,
                  "no argument is lost, whether the last has its NUL or not");

    if (const auto inode = parse_socket_link(text); inode.has_value()) {
        const std::string digits(text.substr(8, size - 9));
        fuzz::require(std::all_of(digits.begin(), digits.end(),
                                  [](char digit) { return digit >= '0' && digit <= '9'; }),
                      "an inode is a number");
        fuzz::require(std::stoull(digits) == *inode, "and that one");
    }
    return 0;
}
