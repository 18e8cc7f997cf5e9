#include "explain/log_line.h"

#include <memory>
#include <new>

#include <spdlog/details/null_mutex.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

namespace portguard {
namespace {

/// The text as it is: time and level are part of the event where a reader needs them.
class PlainFormatter final : public spdlog::formatter {
public:
    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        out.append(message.payload.begin(), message.payload.end());
        out.push_back('\n');
    }
    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<PlainFormatter>();
    }
};

/// No mutex: a forked child would inherit it locked (H04). The preloaded object writes a block at once.
class EmitSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit EmitSink(EmitFunction emit) : base_sink(std::make_unique<PlainFormatter>()), emit_(emit) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t block;
        formatter_->format(message, block);
        emit_(block.data(), block.size());
    }
    void flush_() override {}

private:
    EmitFunction emit_;
};

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: break;
    }
    return spdlog::level::err;
}

} // namespace

// A logger an event, in no registry: nothing of it is there when the program exits, or forks in another
// thread.
void log_event(EmitFunction emit, Level least, EventKind kind, std::string_view text) {
    spdlog::logger logger("portguard", std::make_shared<EmitSink>(emit));
    logger.set_level(to_spdlog(least));
    // spdlog's own handler would write to stderr by stdio. What keeps it from writing is no memory.
    bool lost = false;
    logger.set_error_handler([&lost](const std::string&) { lost = true; });
    logger.log(to_spdlog(level_of(kind)), spdlog::string_view_t(text.data(), text.size()));
    if (lost) {
        throw std::bad_alloc();
    }
}

} // namespace portguard
