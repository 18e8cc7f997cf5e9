#include "preload/play.h"

namespace portguard::test {

Environment plan_with(std::initializer_list<const char*> options) {
    Environment all = plan;
    all.insert(all.end(), options.begin(), options.end());
    return all;
}

std::string Played::said(std::string_view statement, std::size_t which) const {
    std::string_view rest(result.out);
    while (!rest.empty()) {
        const std::size_t stop = rest.find('\n');
        const std::string_view line = rest.substr(0, stop);
        rest.remove_prefix(stop == std::string_view::npos ? rest.size() : stop + 1);
        const std::size_t arrow = line.find("-> ");
        if (arrow != std::string_view::npos && line.starts_with(statement) && which-- == 0) {
            return std::string(line.substr(arrow + 3));
        }
    }
    return "(not reached)";
}

Played play(const std::string& script, const Environment& environment, bool with_shim) {
    return {
        run({.argv = {victim("socket_script"), script}, .environment = environment, .with_shim = with_shim})};
}

std::string connected_pair(int port, const std::string& client) {
    const bool six = client.ends_with('6');
    return std::string("l = ") + (six ? "tcp6" : "tcp4") + "; bind l " + (six ? "[*]:" : "*:") +
           std::to_string(port) + "; listen l 4096; c = " + client + "; connect c @l; s = accept l; ";
}

std::string left_time_wait(int port) {
    return connected_pair(port) + "close l; timewait s c; ";
}

Played provoke(const std::string& name, const Environment& environment) {
    return {run({.argv = {victim("hazard"), name}, .environment = environment})};
}

} // namespace portguard::test
