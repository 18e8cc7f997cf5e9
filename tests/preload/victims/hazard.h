// What the hazard programs share. Each is one function of hazards_*.cpp, named on the command line.
#pragma once

#include <cstdint>

#include <netinet/in.h>
#include <sys/types.h>

namespace victim {

/// Ports by agreement with the tests: the plan allows the one and not the other, and `busy_port` is held by a
/// bound socket, so that a bind there fails and is told.
inline constexpr std::uint16_t allowed_port = 10000;
inline constexpr std::uint16_t refused_port = 20000;
inline constexpr std::uint16_t busy_port = 10001;

sockaddr_in loopback(std::uint16_t port);
int open_tcp();
/// 0 or the errno.
int bind_errno(int fd, std::uint16_t port);
int connect_errno(int fd, std::uint16_t port);
/// Opens a socket, binds it, closes it.
int try_bind(std::uint16_t port);
/// A socket on busy_port that stays.
int occupy_busy_port();
/// A listener on allowed_port.
int open_listener();

/// The exit status of a child; -1 where it died or did not end within five seconds.
int status_of(pid_t child);

/// "what -> ok" or "what -> EACCES", at once.
void say(const char* what, int error);
void say_number(const char* what, long value);

struct Hazard {
    const char* name;
    int (*perform)();
};

// hazards_signals.cpp
int call_in_signal_handlers();
int report_on_alternate_stack();
int report_on_coroutine_stack();
int measure_stack_depth();
int cancel_pending_in_connect();
int cancel_blocked_in_connect();
int cancel_pending_in_close();
int cancel_pending_in_failed_bind();
// hazards_processes.cpp
int fork_while_reporting();
int vfork_child_closes();
int children_without_handlers();
int clone_without_tls();
int sixteen_threads();
int threads_call_during_exit();
int measure_dirty_pages();
// hazards_surroundings.cpp
int close_every_number();
int clear_environment();
int close_unseen();
int receive_descriptor();
int reopen_standard_error();
int change_root();
int count_threads();
int throw_after_report();
int run_in_seccomp_sandbox();
int report_often();
// hazards_child.cpp
int compare_before_and_after();
int wait_for_any_child();
int bind_where_openat_is_trapped();
int fork_beside_a_walk_of_objects();
int bind_without_standard_descriptors();
int bind_in_a_thread_with_descriptors_of_its_own();
int bind_without_a_free_descriptor();
int report_from_a_handler_that_interrupts_malloc();
int report_with_little_memory();
int fail_in_200_threads();
int kill_children_in_reports();
int fork_during_cures();
int scan_over_taken_ports();
int fail_at_forty_addresses();

} // namespace victim
