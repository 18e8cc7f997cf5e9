// Apart from what reads options: the preloaded object prints none.
#include "core/file_options.h"
#include "core/options.h"

namespace portguard {
namespace {

const unsigned char* bytes_of(const Config& config) {
    return reinterpret_cast<const unsigned char*>(&config);
}

/// One that came from elsewhere may be none of them: "?", which `assign` refuses.
std::string_view word_in(const OptionValue& option, const Config& config) {
    const std::size_t index = bytes_of(config)[option.offset];
    return index < option.words().size() ? option.words()[index] : "?";
}

std::uint16_t number_in(const OptionValue& option, const Config& config) {
    return *reinterpret_cast<const std::uint16_t*>(bytes_of(config) + option.offset);
}

void print_ephemeral(const Config& config, TextWriter& out) {
    if (!config.ephemeral.empty()) {
        print_port_range(config.ephemeral, out);
    }
}

} // namespace

void Option::print(const Config& config, TextWriter& out) const {
    using Kind = OptionValue::Kind;
    switch (value.kind) {
    case Kind::word: out.add(word_in(value, config)); break;
    case Kind::number: out.add_number(number_in(value, config)); break;
    case Kind::listen: print_port_set(config.listen, out); break;
    case Kind::ephemeral: print_ephemeral(config, out); break;
    case Kind::only: out.add(config.only); break;
    case Kind::log: print_log(config, out); break;
    case Kind::record: print_record(config, out); break;
    case Kind::remember: print_remember(config, out); break;
    case Kind::inject: print_inject(config.inject, out); break;
    }
}

} // namespace portguard
