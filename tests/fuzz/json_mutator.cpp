// Inputs that are JSON: every second mutation changes a value or a member, and leaves the rest JSON.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using nlohmann::json;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t capacity);

namespace {

void collect(json& value, std::vector<json*>& all) {
    all.push_back(&value);
    if (value.is_structured()) {
        for (json& member : value) {
            collect(member, all);
        }
    }
}

/// libFuzzer knows the dictionary, and what the program compares strings with.
std::string mutated(std::string text) {
    const std::size_t size = text.size();
    text.resize(size + 24);
    text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
        return text.substr(1, text.size() - 2);
    }
    return text;
}

void change(json& value, const std::vector<json*>& all, std::minstd_rand& random) {
    static const std::array<json, 12> edges{nullptr,
                                            true,
                                            false,
                                            0,
                                            -1,
                                            10000,
                                            40000,
                                            65535,
                                            1e308,
                                            18446744073709551615U,
                                            json::array(),
                                            "a\n\x1b]0;b\x07"};
    switch (random() % 5) {
    case 0: value = edges[random() % edges.size()]; break;
    case 1: value = json(*all[random() % all.size()]); break;
    case 2:
        if (value.is_array() && !value.empty()) {
            const json copy = value[random() % value.size()];
            value.insert(value.end(), 1 + random() % 3, copy);
        } else if (value.is_structured() && !value.empty()) {
            value.erase(std::next(value.begin(), static_cast<long>(random() % value.size())));
        }
        break;
    default:
        if (value.is_string()) {
            value = mutated(value.get<std::string>());
        } else if (value.is_number()) {
            value = random() % 3 == 0 ? random() : random() % 70000;
        }
    }
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t capacity,
                                               unsigned int seed) {
    std::minstd_rand random(seed);
    json document =
        random() % 2 == 0 ? json(json::value_t::discarded) : json::parse(data, data + size, nullptr, false);
    if (document.is_discarded()) {
        return LLVMFuzzerMutate(data, size, capacity);
    }
    std::vector<json*> all;
    collect(document, all);
    change(*all[random() % all.size()], all, random);
    const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > capacity) {
        return LLVMFuzzerMutate(data, size, capacity);
    }
    std::copy(text.begin(), text.end(), data);
    return text.size();
}
