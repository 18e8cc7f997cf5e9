#include "explain/log_event.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <spdlog/details/null_mutex.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include "core/event_json.h"

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

using WriteBlock = std::function<log_writer::Outcome(std::string_view block)>;

/// There is one thread.
class BlockSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit BlockSink(WriteBlock write)
        : base_sink(std::make_unique<PlainFormatter>()), write_(std::move(write)) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t block;
        formatter_->format(message, block);
        if (write_({block.data(), block.size()}) != log_writer::Outcome::written) {
            throw std::runtime_error("lost");
        }
    }
    void flush_() override {}

private:
    WriteBlock write_;
};

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: break;
    }
    return spdlog::level::err;
}

/// A logger of its own, in no registry: what spdlog keeps for a process's whole life is made for one event.
bool log_block(const Snapshot& snapshot, Level level, std::string_view text, WriteBlock write) {
    spdlog::logger logger("portguard", std::make_shared<BlockSink>(std::move(write)));
    logger.set_level(to_spdlog(snapshot.config.level));
    // spdlog's own handler would write to stderr by stdio.
    bool lost = false;
    logger.set_error_handler([&lost](const std::string&) { lost = true; });
    logger.log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
    return !lost;
}

} // namespace

bool log_event(const Snapshot& snapshot, Level level, std::string_view text,
               std::span<const log_writer::Field> fields) {
    std::string whole;
    if (snapshot.lost != 0) {
        whole = "portguard: " + std::to_string(snapshot.lost);
        whole.append(lost_events_note) += '\n';
    }
    whole += text;
    return log_block(snapshot, level, whole, [&snapshot, level, fields](std::string_view block) {
        return log_writer::write(snapshot.config, snapshot.pid, snapshot.stderr_is_ours, level, block,
                                 fields);
    });
}

bool record_event(const Snapshot& snapshot, Level level, std::string_view text) {
    return log_block(snapshot, level, text, [&snapshot](std::string_view block) {
        return log_writer::record(snapshot.config, snapshot.pid, block);
    });
}

} // namespace portguard
