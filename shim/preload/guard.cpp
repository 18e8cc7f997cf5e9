#include "preload/guard.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel_call.h"
#include "kernel/log_writer.h"
#include "preload/calls_out.h"
#include "preload/lease.h"
#include "preload/quiet_write.h"
#include "preload/real.h"
#include "preload/standard_error.h"
#include "preload/start_page.h"

namespace portguard::guard {

PORTGUARD_ON_START_PAGE constinit std::atomic<Activity> current_activity{Activity::not_started};

namespace {

/// All zero, so that it has no page in the file; read_configuration() sets the limits.
constexpr Draft unread() {
    Draft zero;
    zero.config.limits = {};
    return zero;
}

} // namespace

// From the beginning of a page, so that a plan of low ports is read into that page alone.
alignas(start_page_size) constinit Draft draft = unread();

namespace {

constexpr std::size_t longest_name = 64;

PORTGUARD_ON_START_PAGE constinit char program[longest_name];
PORTGUARD_ON_START_PAGE constinit bool no_color = false;
// Static: the constructor may run on any stack. Untouched, and so without a page, where there is no file.
constinit char file_text[config_file_capacity];

void copy_program_name() {
    const char* const name = program_invocation_short_name;
    if (name != nullptr) {
        std::string_view(name).copy(program, longest_name - 1);
    }
}

/// Without getenv(3), which would be a name more to look up in every exec.
void look_for_no_color() {
    constexpr std::string_view prefix = "NO_COLOR=";
    for (char** variable = environ; *variable != nullptr; ++variable) {
        if ((*variable)[0] == 'N' && starts_with(*variable, prefix) && (*variable)[prefix.size()] != '\0') {
            no_color = true;
        }
    }
}

bool refuse_file(const char* named_path, const char* reason, TextWriter& why) {
    if (named_path == nullptr) {
        why.add(default_config_path).add(": ").add(reason);
    } else {
        why.add("PORTGUARD_CONFIG=").add_untrusted(named_path).add(" (environment): ").add(reason);
    }
    return false;
}

/// The file's text; false: it cannot be read and should have been.
bool read_file(const char* named_path, std::string_view& text, TextWriter& why) {
    const char* const path = named_path != nullptr ? named_path : default_config_path.data();
    const long fd =
        kernel_call(SYS_openat, AT_FDCWD, as_argument(path), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        // Nobody has to have the default file; one that is there and cannot be read holds a plan all the
        // same.
        return (named_path == nullptr && (fd == -ENOENT || fd == -ENOTDIR)) ||
               refuse_file(named_path,
                           "the file cannot be opened; name one in PORTGUARD_CONFIG that is readable", why);
    }
    std::size_t used = 0;
    long count = 1;
    while (count > 0 && used < config_file_capacity) {
        count = kernel_call(SYS_read, fd, as_argument(file_text + used),
                            static_cast<long>(config_file_capacity - used));
        used += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    kernel_call(SYS_close, fd);
    if (count < 0 || used == config_file_capacity) {
        return refuse_file(named_path, "the file cannot be read or is longer than 64 KiB", why);
    }
    text = std::string_view(file_text, used);
    return true;
}

bool read_configuration(Sentence& why) {
    // Also because it is a write: a fresh page that is read first costs an exec two faults.
    draft.config.limits = default_limits;
    const char* const named_path = config_path_in(environ);
    std::string_view text;
    return read_file(named_path, text, why) &&
           apply_file(draft, text, named_path != nullptr ? named_path : default_config_path, why) &&
           apply_environment(draft, environ, why) && check_whole(draft, why);
}

/// `only` may name the program or the script that the kernel was asked to run (AT_EXECFN, getauxval(3)).
bool is_named() {
    const auto* const executed = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
    return is_active_in(draft.config, program) ||
           (executed != nullptr && is_active_in(draft.config, base_name(executed)));
}

Activity configure() {
    // The environment of a set-user-ID program belongs to its caller, who must not steer it.
    if (getauxval(AT_SECURE) != 0) {
        return Activity::passive;
    }
    Sentence why;
    if (!read_configuration(why)) {
        Sentence line;
        line.add("portguard: ").add(why.view()).add("; the guard is inactive in this process\n");
        const QuietWrite quiet;
        if (log_writer::may_hold_reports(STDERR_FILENO)) {
            log_writer::write_to_standard_error(line.view());
        }
        return Activity::passive;
    }
    const bool is_awake = draft.config.mode != Mode::off && is_named();
    real::say_judged(is_awake);
    return is_awake ? Activity::awake : Activity::passive;
}

} // namespace

PORTGUARD_CALLS_OUT void start() {
    // A call from .preinit_array comes before libc's own constructor: there is no environment to read yet,
    // and a start without it would lose the plan for the life of the process.
    if (environ == nullptr) {
        return;
    }
    Activity expected = Activity::not_started;
    if (!current_activity.compare_exchange_strong(expected, Activity::starting, std::memory_order_acquire)) {
        return;
    }
    real::resolve_all();
    standard_error::remember();
    copy_program_name();
    look_for_no_color();
    const Activity activity = configure();
    if (activity == Activity::awake && lease::is_on()) {
        lease::start();
    }
    current_activity.store(activity, std::memory_order_release);
}

const char* program_name() {
    return program;
}

bool wants_no_color() {
    return no_color;
}

} // namespace portguard::guard
