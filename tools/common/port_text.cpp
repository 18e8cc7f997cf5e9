#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// Every second port of all: longer than any set of ports prints.
constexpr std::size_t longest_set = std::size_t{256} * 1024;

template <typename Print>
std::string printed(std::size_t capacity, Print print) {
    std::string memory(capacity, '\0');
    TextWriter writer(memory.data(), memory.size());
    print(writer);
    return std::string(writer.view());
}

} // namespace

std::string text_of(const PortSet& ports) {
    return printed(longest_set, [&](TextWriter& writer) { print_port_set(ports, writer); });
}

std::string text_of(PortRange range) {
    return printed(16, [&](TextWriter& writer) { print_port_range(range, writer); });
}

std::string text_of(const Endpoint& endpoint) {
    return printed(64, [&](TextWriter& writer) { print_endpoint(endpoint, writer); });
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

} // namespace portguard::tools
