// One line of a list of ports, whatever form the list has.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/plan/port_list.h"

namespace portguard::tools {

/// Takes the lines of one list in their order. Pure.
class PortLineReader {
public:
    PortLineReader(std::string_view text, std::string file_name);

    /// `number` is counted from 1.
    void take(std::string_view line, std::size_t number);
    [[nodiscard]] PortList finish() { return std::move(list_); }

private:
    enum class Form { words, yaml, columns, table };

    struct Fields {
        std::string_view name;
        std::string_view port;
        std::string_view protocol;
    };

    void take_words(std::string_view line);
    void take_columns(std::string_view line);
    void take_table(std::string_view line);
    void take_yaml(std::string_view line);
    void take_yaml_port(std::string_view key, std::string_view value);
    bool take_header(std::string_view line);
    /// "8080:80/udp", "0.0.0.0:8080->80/tcp", "80:30080/TCP": the port of the host in it.
    void take_published(std::string_view item, bool host_is_last);
    void add(const Fields& fields);
    void complain(std::string_view name, std::string_view what);

    Form form_ = Form::words;
    bool is_first_ = true;
    bool is_docker_ = false;
    char separator_ = ',';
    std::vector<std::string> columns_;
    std::size_t ports_column_ = 0;
    /// Of YAML: whose ports come.
    std::string service_;
    std::string place_;
    std::string file_name_;
    PortList list_;
};

} // namespace portguard::tools
