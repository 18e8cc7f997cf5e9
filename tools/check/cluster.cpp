#include "tools/check/cluster.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/number.h"
#include "core/text.h"
#include "tools/check/config_field.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

/// How a value names its ports.
enum class Form : std::uint8_t {
    /// "10250"; 0: none.
    port,
    /// "30000-32767", "30000+2767", "30000", "30000,32767".
    range,
    /// "0.0.0.0:10256".
    address,
    /// "https://127.0.0.1:2379,https://10.0.0.1:2379".
    urls,
};

struct PortSetting {
    std::string_view program;
    std::string_view name;
    /// Without dashes.
    std::string_view flag;
    /// At the top of the file that --config names; empty: that has none.
    std::string_view field;
    Form form;
    /// Empty: none is taken unless it is asked for.
    PortRange standard;
    bool is_node_ports = false;
    /// kube-proxy takes no other flag beside --config; of kubelet the flag counts.
    bool file_counts_first = false;
};

// https://kubernetes.io/docs/reference/networking/ports-and-protocols/ and the pages of the components in
// https://kubernetes.io/docs/reference/command-line-tools-reference/;
// https://etcd.io/docs/latest/op-guide/configuration/
constexpr std::array<PortSetting, 14> table{{
    {"kube-apiserver",
     "Kubernetes NodePort",
     "service-node-port-range",
     "",
     Form::range,
     {30000, 32767},
     true},
    {"k3s-server", "Kubernetes NodePort", "service-node-port-range", "", Form::range, {30000, 32767}, true},
    {"cilium-agent", "Cilium's NodePort", "node-port-range", "", Form::range, {}, true},
    {"kube-apiserver", "Kubernetes' API", "secure-port", "", Form::port, {6443, 6443}},
    {"kubelet", "kubelet", "port", "port", Form::port, {10250, 10250}},
    {"kubelet", "kubelet's health", "healthz-port", "healthzPort", Form::port, {10248, 10248}},
    {"kubelet", "kubelet's read-only port", "read-only-port", "readOnlyPort", Form::port, {}},
    {"kube-proxy",
     "kube-proxy's health",
     "healthz-bind-address",
     "healthzBindAddress",
     Form::address,
     {10256, 10256},
     false,
     true},
    {"kube-proxy",
     "kube-proxy's metrics",
     "metrics-bind-address",
     "metricsBindAddress",
     Form::address,
     {10249, 10249},
     false,
     true},
    {"kube-controller-manager", "kube-controller-manager", "secure-port", "", Form::port, {10257, 10257}},
    {"cloud-controller-manager", "cloud-controller-manager", "secure-port", "", Form::port, {10258, 10258}},
    {"kube-scheduler", "kube-scheduler", "secure-port", "", Form::port, {10259, 10259}},
    {"etcd",
     "etcd's clients",
     "listen-client-urls",
     "listen-client-urls",
     Form::urls,
     {2379, 2379},
     false,
     true},
    {"etcd", "etcd's peers", "listen-peer-urls", "listen-peer-urls", Form::urls, {2380, 2380}, false, true},
}};

/// The last one counts, as in Go's flag packages.
std::optional<std::string_view> value_of(const std::vector<std::string>& argv, std::string_view flag) {
    std::optional<std::string_view> value;
    for (std::size_t at = 0; at < argv.size(); ++at) {
        std::string_view word = argv[at];
        if (!word.starts_with('-')) {
            continue;
        }
        word.remove_prefix(word.starts_with("--") ? 2 : 1);
        if (word == flag && at + 1 < argv.size()) {
            value = argv[at + 1];
        } else if (word.size() > flag.size() && word.starts_with(flag) && word[flag.size()] == '=') {
            value = word.substr(flag.size() + 1);
        }
    }
    return value;
}

std::optional<PortRange> range_in(std::string_view text) {
    const auto low = take_number<std::uint16_t>(text);
    if (!low.has_value() || text.empty()) {
        return low.has_value() ? std::optional(PortRange{*low, *low}) : std::nullopt;
    }
    const char sign = text.front();
    text.remove_prefix(1);
    const auto second = parse_number<std::uint16_t>(text);
    if (!second.has_value() || (sign != '-' && sign != '+' && sign != ',')) {
        return std::nullopt;
    }
    const std::uint32_t high = sign == '+' ? std::uint32_t{*low} + *second : *second;
    return high < *low || high > 65535 ? std::nullopt
                                       : std::optional(PortRange{*low, static_cast<std::uint16_t>(high)});
}

/// What stands behind the last colon that no bracket follows.
std::optional<PortRange> port_behind_colon(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    return colon == std::string_view::npos || text.find(']', colon) != std::string_view::npos
               ? std::nullopt
               : range_in(text.substr(colon + 1));
}

/// Beyond, somebody plays.
constexpr std::size_t most_urls = 64;

/// Nothing: it is not understood. Port 0 is left out: the component then takes none, or any.
std::optional<std::vector<PortRange>> ports_in(std::string_view text, Form form) {
    std::vector<PortRange> ports;
    const auto add = [&](std::optional<PortRange> range) {
        if (range.has_value() && range->low != 0 &&
            std::find(ports.begin(), ports.end(), *range) == ports.end()) {
            ports.push_back(*range);
        }
        return range.has_value();
    };
    if (form == Form::urls) {
        while (!text.empty() && ports.size() < most_urls) {
            std::string_view url = next_field(text, ',');
            while (url.ends_with('/')) {
                url.remove_suffix(1);
            }
            if (!add(port_behind_colon(url))) {
                return std::nullopt;
            }
        }
        return ports;
    }
    const bool is_known = add(form == Form::address ? port_behind_colon(text) : range_in(text));
    return is_known ? std::optional(ports) : std::nullopt;
}

struct Told {
    ClusterPort::Source source = ClusterPort::Source::standard;
    std::string value;
    std::string where;
};

Told by_flag(const PortSetting& setting, const ClusterComponent& component) {
    const auto value = value_of(component.argv, setting.flag);
    return value.has_value()
               ? Told{ClusterPort::Source::argument, std::string(*value), "--" + std::string(setting.flag)}
               : Told{};
}

/// A later file counts before an earlier one.
Told by_file(const PortSetting& setting, const ClusterComponent& component) {
    const auto in_file = [&](const std::string& path, const std::string& text) {
        const auto value = setting.field.empty() ? std::nullopt : config_field(text, setting.field);
        return value.has_value() ? Told{ClusterPort::Source::file, *value,
                                        std::string(setting.field) + " in " + shown(path)}
                                 : Told{};
    };
    for (auto file = component.drop_ins.rbegin(); file != component.drop_ins.rend(); ++file) {
        if (Told said = in_file(file->first, file->second); said.source != ClusterPort::Source::standard) {
            return said;
        }
    }
    return in_file(component.config_path, component.config);
}

Told told(const PortSetting& setting, const ClusterComponent& component) {
    Told flag = by_flag(setting, component);
    Told file = by_file(setting, component);
    const bool has_flag = flag.source != ClusterPort::Source::standard;
    const bool has_file = file.source != ClusterPort::Source::standard;
    return has_file && (setting.file_counts_first || !has_flag) ? file : flag;
}

/// kubelet's own default is 10255 where it has no file, and none where it has one.
PortRange standard_of(const PortSetting& setting, const ClusterComponent& component) {
    constexpr PortRange kubelet_read_only{10255, 10255};
    return setting.field == "readOnlyPort" && component.config_path.empty() ? kubelet_read_only
                                                                            : setting.standard;
}

void add_ports(const PortSetting& setting, const ClusterComponent& component,
               std::vector<ClusterPort>& result) {
    Told said = told(setting, component);
    auto ports =
        said.source == ClusterPort::Source::standard ? std::nullopt : ports_in(said.value, setting.form);
    const bool is_unread =
        !setting.field.empty() && !component.config_path.empty() && component.config.empty();
    const bool is_doubtful =
        !ports.has_value() && (said.source != ClusterPort::Source::standard || is_unread);
    if (!ports.has_value()) {
        said = {};
        const PortRange standard = standard_of(setting, component);
        ports = standard.empty() ? std::vector<PortRange>{} : std::vector{standard};
    }
    for (const PortRange range : *ports) {
        const bool is_there = std::any_of(result.begin(), result.end(), [&](const ClusterPort& other) {
            return other.name == setting.name && other.ports == range;
        });
        if (!is_there) {
            result.push_back(
                {setting.name, range, said.source, component.pid, setting.program,
                 said.source == ClusterPort::Source::standard ? "--" + std::string(setting.flag) : said.where,
                 setting.is_node_ports, is_doubtful});
        }
    }
}

} // namespace

std::vector<ClusterPort> ports_of(const std::vector<ClusterComponent>& components) {
    std::vector<ClusterPort> result;
    for (const PortSetting& setting : table) {
        for (const ClusterComponent& component : components) {
            if (component.program == setting.program) {
                add_ports(setting, component, result);
            }
        }
    }
    const bool is_node =
        std::any_of(components.begin(), components.end(), [](const ClusterComponent& component) {
            return component.program == "kubelet" || component.program == "kube-proxy";
        });
    const bool has_range =
        std::any_of(result.begin(), result.end(), [](const ClusterPort& port) { return port.is_node_ports; });
    if (is_node && !has_range) {
        const PortSetting& setting = table.front();
        result.insert(result.begin(), {setting.name, setting.standard, ClusterPort::Source::standard, 0,
                                       setting.program, "--" + std::string(setting.flag), true, false});
    }
    return result;
}

std::string source_in_words(const ClusterPort& port) {
    const std::string program(port.program);
    if (port.pid == 0) {
        return "the default; " + program + " does not run here";
    }
    const std::string process = program + "[" + std::to_string(port.pid) + "]";
    if (port.is_doubtful) {
        return "the default; what " + process + " was given cannot be read";
    }
    return port.source == ClusterPort::Source::standard ? "the default; " + process + " has no " + port.where
                                                        : port.where + " of " + process;
}

std::string_view cluster_program(std::string_view comm) {
    constexpr std::size_t longest_comm = 15;
    const auto found = std::find_if(table.begin(), table.end(), [comm](const PortSetting& setting) {
        return setting.program.substr(0, longest_comm) == comm;
    });
    return found == table.end() ? std::string_view{} : found->program;
}

std::string cluster_config_path(const std::vector<std::string>& argv) {
    return std::string(value_of(argv, "config").value_or(value_of(argv, "config-file").value_or("")));
}

std::string cluster_config_folder(const std::vector<std::string>& argv) {
    return std::string(value_of(argv, "config-dir").value_or(""));
}

} // namespace portguard::tools
