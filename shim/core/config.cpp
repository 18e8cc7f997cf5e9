#include "core/config.h"

#include "core/options.h"

namespace portguard {
namespace {

constexpr std::string_view test_prefix = "PORTGUARD_TEST_";
constexpr std::string_view config_variable = "PORTGUARD_CONFIG";

/// "listen=80,443 (environment)".
void print_setting(std::string_view name, std::string_view value, const Place& place, TextWriter& out) {
    out.add_excerpt(name).add('=').add_excerpt(value).add(" (");
    print_place(place, out);
    out.add(')');
}

void start_sentence(std::string_view name, std::string_view value, const Place& place, TextWriter& why) {
    print_setting(name, value, place, why);
    why.add(": ");
}

bool refuse_unknown(std::string_view name, std::string_view value, const Place& place, TextWriter& why) {
    start_sentence(name, value, place, why);
    why.add("no option has this name; known are ");
    std::string_view separator;
    for (const Option& option : option_table()) {
        why.add(separator).add(option.name);
        separator = ", ";
    }
    return false;
}

/// Option names are lower case; the environment has them in upper case.
bool to_option_name(std::string_view variable, TextWriter& name) {
    for (const char character : variable) {
        if (character >= 'a' && character <= 'z') {
            return false;
        }
        name.add(character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character);
    }
    return !name.truncated();
}

bool is_comment(std::string_view line) {
    return line.empty() || line.front() == '#' || line.front() == ';';
}

/// What is left of `ports` outside `hole`, so that a refused pair can be answered with one that works.
void remove_range(const PortSet& ports, PortRange hole, PortSet& left) {
    for (PortRange run = ports.next_run(0); !run.empty(); run = ports.next_run(run.high + 1U)) {
        if (run.low < hole.low) {
            left.insert({run.low, run.high < hole.low ? run.high : static_cast<std::uint16_t>(hole.low - 1)});
        }
        if (run.high > hole.high) {
            left.insert(
                {run.low > hole.high ? run.low : static_cast<std::uint16_t>(hole.high + 1), run.high});
        }
    }
}

/// Enough for add_excerpt to see that there is more.
using Excerpted = Text<excerpt_length + 1>;

/// listen and ephemeral, which have `port` in common.
void refuse_overlap(const Draft& draft, std::uint16_t port, TextWriter& why) {
    Excerpted listen;
    print_port_set(draft.config.listen, listen);
    print_setting("listen", listen.view(), draft.places[find_option("listen")], why);
    why.add(" and ");
    Excerpted ephemeral;
    print_port_range(draft.config.ephemeral, ephemeral);
    print_setting("ephemeral", ephemeral.view(), draft.places[find_option("ephemeral")], why);
    why.add(" meet at port ").add_number(port).add("; the two must not overlap: ");
}

/// A pair to paste where it is short enough to be one.
void advise_pair(const Config& config, TextWriter& why) {
    PortSet left;
    remove_range(config.listen, config.ephemeral, left);
    Text<256> listen;
    print_port_set(left, listen);
    if (listen.empty()) {
        why.add("move one of them");
    } else if (listen.truncated()) {
        why.add("take ");
        print_port_range(config.ephemeral, why);
        why.add(" out of listen");
    } else {
        why.add("listen=").add(listen.view()).add(" with ephemeral=");
        print_port_range(config.ephemeral, why);
        why.add(" would work");
    }
}

} // namespace

void print_place(const Place& place, TextWriter& out) {
    switch (place.origin) {
    case Origin::fallback: out.add("default"); break;
    case Origin::file: out.add_untrusted(place.file).add(':').add_number(place.line); break;
    case Origin::environment: out.add("environment"); break;
    case Origin::command_line: out.add("command line"); break;
    }
}

bool apply_option(Draft& draft, std::string_view name, std::string_view value, const Place& place,
                  TextWriter& why) {
    value = trimmed(value);
    const std::size_t index = find_option(name);
    if (index == option_table().size()) {
        return refuse_unknown(name, value, place, why);
    }
    Sentence reason;
    if (!option_table()[index].assign(draft.config, value, reason)) {
        start_sentence(name, value, place, why);
        why.add(reason.view());
        return false;
    }
    draft.places[index] = place;
    return true;
}

bool apply_file(Draft& draft, std::string_view text, std::string_view file_name, TextWriter& why) {
    for (std::uint32_t line = 1; !text.empty(); ++line) {
        const std::string_view content = trimmed(next_field(text, '\n'));
        if (is_comment(content)) {
            continue;
        }
        const Place place{Origin::file, file_name, line};
        std::string_view value = content;
        const std::string_view name = trimmed(next_field(value, '='));
        if (content.find('=') == std::string_view::npos) {
            why.add('\'').add_excerpt(content).add("' (");
            print_place(place, why);
            why.add("): a line is `name = value` or a comment");
            return false;
        }
        if (!apply_option(draft, name, value, place, why)) {
            return false;
        }
    }
    return true;
}

bool apply_environment(Draft& draft, const char* const* environment, TextWriter& why) {
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        // Two compares instead of a search: this runs in every exec, over every variable.
        if ((*environment)[0] != 'P' || (*environment)[1] != 'O') {
            continue;
        }
        std::string_view value(*environment);
        const bool has_value = value.find('=') != std::string_view::npos;
        const std::string_view variable = next_field(value, '=');
        if (!has_value || !starts_with(variable, environment_prefix) || variable == config_variable ||
            starts_with(variable, test_prefix) || starts_with(variable, put_aside_prefix)) {
            continue;
        }
        const Place place{Origin::environment, {}, 0};
        Text<64> name;
        std::string_view lower = variable;
        lower.remove_prefix(environment_prefix.size());
        if (!to_option_name(lower, name) || find_option(name.view()) == option_table().size()) {
            return refuse_unknown(variable, value, place, why);
        }
        if (!apply_option(draft, name.view(), value, place, why)) {
            return false;
        }
    }
    return true;
}

const char* config_path_in(const char* const* environment) {
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry(*environment);
        if (starts_with(entry, config_variable) && entry.size() > config_variable.size() &&
            entry[config_variable.size()] == '=') {
            return *environment + config_variable.size() + 1;
        }
    }
    return nullptr;
}

bool check_whole(const Draft& draft, TextWriter& why) {
    const Config& config = draft.config;
    if (config.port_zero == PortZero::listen && !config.has_listen) {
        start_sentence("port_zero", "listen", draft.places[find_option("port_zero")], why);
        why.add(
            "there is no listen to take a port from; give listen as well, or leave port_zero at ephemeral");
        return false;
    }
    const std::uint16_t port = config.listen.first_common(config.ephemeral);
    if (port == 0) {
        return true;
    }
    refuse_overlap(draft, port, why);
    advise_pair(config, why);
    return false;
}

bool is_active_in(const Config& config, std::string_view name) {
    std::string_view names(config.only);
    if (names.empty()) {
        return true;
    }
    while (!names.empty()) {
        if (trimmed(next_field(names, ',')) == name) {
            return true;
        }
    }
    return false;
}

} // namespace portguard
