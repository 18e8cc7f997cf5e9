#include "tools/supervise/current_caller.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/uio.h>

#include "preload/asker.h"
#include "preload/deferred_port.h"
#include "preload/guard.h"
#include "preload/helper_file.h"
#include "preload/lease.h"
#include "preload/real.h"
#include "preload/remember.h"
#include "preload/standard_error.h"

namespace portguard {
namespace tools {
namespace {

struct Served {
    const Caller* caller = nullptr;
    int program_fd = -1;
    pid_t supervisor = 0;
    bool socket_stands_in = false;
    /// As of when its registers were read.
    std::uint16_t machine = 0;
    /// Both are read once a caller, where something asks.
    pid_t pid = 0;
    bool has_name = false;
    char name[64] = {};
    char exe_path[32] = {};
    char maps_path[32] = {};
    char memory_path[32] = {};
};

// A child made by clone(2) without CLONE_SETTLS sees those of the thread that made it.
thread_local Served served;

ExplainerPaths helper_paths;
bool forbids_colour = false;

void print_path(char (&path)[32], const char* leaf) {
    std::snprintf(path, sizeof path, "/proc/%d/%s", served.caller->tid(), leaf);
}

} // namespace

ServedCaller::ServedCaller(const Caller& caller, int program_fd, SocketAsked asked) {
    served.caller = &caller;
    served.program_fd = program_fd;
    served.supervisor = ::getpid();
    served.socket_stands_in = asked == SocketAsked::stand_in;
    served.pid = 0;
    served.has_name = false;
}

ServedCaller::~ServedCaller() {
    served.caller = nullptr;
}

const Caller& served_caller() {
    return *served.caller;
}

bool is_in_child_of_report() {
    return kernel_call(SYS_getpid) != served.supervisor;
}

void set_up_guard(const Config& config, const ExplainerPaths& helpers, bool beside_library) {
    helper_paths = helpers;
    const char* const no_color = std::getenv("NO_COLOR");
    forbids_colour = no_color != nullptr && no_color[0] != '\0';
    guard::draft.config = config;
    // Both need a call that the filter does not stop at. What the library has kept is read in a report.
    guard::draft.config.lease = Lease::off;
    if (!beside_library) {
        guard::draft.config.remember = Remember::off;
    }
    standard_error::remember();
    guard::current_activity.store(config.mode == Mode::off ? guard::Activity::passive
                                                           : guard::Activity::awake);
}

} // namespace tools

using tools::served;

namespace guard {

constinit std::atomic<Activity> current_activity{Activity::not_started};
constinit Draft draft;

void start() {}

const char* program_name() {
    if (!served.has_name) {
        std::memset(served.name, 0, sizeof served.name);
        served.caller->program_name().copy(served.name, sizeof served.name - 1);
        served.has_name = true;
    }
    return served.name;
}

bool wants_no_color() {
    return tools::forbids_colour;
}

} // namespace guard

namespace asker {

int pid() {
    // Here, and not in the child, which may be killed while it has the lock of the heap.
    if (served.pid == 0) {
        guard::program_name();
        served.pid = served.caller->pid();
    }
    return served.pid;
}

int tid() {
    return served.caller->tid();
}

std::uint16_t machine() {
    return served.machine;
}

int descriptor(int /*fd*/) {
    return served.program_fd;
}

bool socket_stands_in() {
    return served.socket_stands_in;
}

const char* exe_path() {
    tools::print_path(served.exe_path, "exe");
    return served.exe_path;
}

const char* maps_path() {
    tools::print_path(served.maps_path, "maps");
    return served.maps_path;
}

const char* memory_path() {
    tools::print_path(served.memory_path, "mem");
    return served.memory_path;
}

void read_registers(std::uint64_t* registers) {
    served.machine = served.caller->machine();
    const std::optional<tools::StoppedAt> at = served.caller->stopped_at();
    if (!at.has_value()) {
        return;
    }
    if (served.machine == own_machine) {
        registers[stack_pointer_register] = at->stack;
        registers[code_register] = at->code;
    } else if (served.machine == machine_i386) {
        // By DWARF number: ebx, ecx, edx, esi, edi and ebp.
        constexpr std::array<std::size_t, 6> argument_registers{3, 1, 2, 6, 7, 5};
        constexpr std::size_t i386_code_register = 8;
        for (std::size_t index = 0; index < argument_registers.size(); ++index) {
            registers[argument_registers[index]] = at->arguments[index];
        }
        registers[stack_pointer_register_of(machine_i386)] = at->stack;
        registers[i386_code_register] = at->code;
    }
}

long copy_memory(std::uint64_t from, std::size_t size, int fd, std::size_t offset) {
    // A transfer ends at the end of a piece (process_vm_readv(2)): one a page, so that it ends where the
    // mapping does.
    constexpr std::size_t page = 4096;
    constexpr std::size_t pieces = 4;
    char bytes[pieces * page];
    std::size_t done = 0;
    while (done < size) {
        std::array<iovec, pieces> there{};
        std::size_t wanted = 0;
        for (iovec& piece : there) {
            const std::uint64_t at = from + done + wanted;
            piece.iov_base = reinterpret_cast<void*>(static_cast<std::uintptr_t>(at));
            piece.iov_len = std::min(page - at % page, size - done - wanted);
            wanted += piece.iov_len;
        }
        const iovec here{bytes, wanted};
        const ssize_t read = ::process_vm_readv(served.caller->tid(), &here, 1, there.data(), pieces, 0);
        if (read <= 0 ||
            ::pwrite(fd, bytes, static_cast<std::size_t>(read), static_cast<off_t>(offset + done)) != read) {
            break;
        }
        done += static_cast<std::size_t>(read);
        if (static_cast<std::size_t>(read) < wanted) {
            break;
        }
    }
    return static_cast<long>(done);
}

} // namespace asker

namespace helper_file {

int open(std::span<char> /*buffer*/, const char*& why) {
    const bool is_i386 = served.machine == machine_i386 && !tools::helper_paths.i386.empty();
    const std::string& path = is_i386 ? tools::helper_paths.i386 : tools::helper_paths.own;
    const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (fd < 0) {
        why = "portguard-explain cannot be opened";
    }
    return fd;
}

} // namespace helper_file

namespace real {

constinit std::atomic<bool> are_bare{true};

long bind_by_pointer(int fd, const sockaddr* address, socklen_t length) {
    return bind_bare(fd, address, length);
}

long listen_by_pointer(int fd, int backlog) {
    return kernel_call(SYS_listen, fd, backlog);
}

} // namespace real

/// What asks for a deferred port (getsockname(2)) is not seen: bind gives it at once.
namespace deferred_port {

constinit std::atomic<bool> any{false};

int bind(int /*fd*/, const sockaddr* /*address*/, socklen_t /*length*/) {
    return -ENOPROTOOPT;
}

void settle(int /*fd*/) {}

void forget(int /*fd*/) {}

} // namespace deferred_port

// Off here (set_up_guard): nothing of it is called.
namespace lease {

void note(int /*fd*/, SocketFacts /*facts*/) {}

long listen(int fd, int backlog, SocketFacts /*facts*/) {
    return kernel_call(SYS_listen, fd, backlog);
}

} // namespace lease

namespace remember {

void keep(int /*fd*/, Call /*call*/, bool /*kernel_chose*/, const Endpoint& /*remote*/) {}

} // namespace remember
} // namespace portguard
