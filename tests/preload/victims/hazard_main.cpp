#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "victims/hazard.h"

namespace victim {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int open_tcp() {
    return ::socket(AF_INET, SOCK_STREAM, 0);
}

int bind_errno(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int connect_errno(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int try_bind(std::uint16_t port) {
    const int fd = open_tcp();
    const int error = bind_errno(fd, port);
    ::close(fd);
    return error;
}

int occupy_busy_port() {
    const int fd = open_tcp();
    // A listener: before Linux 6.8 no one is shown a socket that is only bound.
    return bind_errno(fd, busy_port) == 0 && ::listen(fd, 1) == 0 ? fd : -1;
}

int open_listener() {
    const int fd = open_tcp();
    return bind_errno(fd, allowed_port) == 0 && ::listen(fd, 128) == 0 ? fd : -1;
}

void say(const char* what, int error) {
    std::printf("%s -> %s\n", what, error == 0 ? "ok" : strerrorname_np(error));
    std::fflush(stdout);
}

void say_number(const char* what, long value) {
    std::printf("%s -> %ld\n", what, value);
    std::fflush(stdout);
}

namespace {

constexpr std::array hazards{
    Hazard{"call_in_signal_handlers", call_in_signal_handlers},
    Hazard{"report_on_alternate_stack", report_on_alternate_stack},
    Hazard{"report_on_coroutine_stack", report_on_coroutine_stack},
    Hazard{"measure_stack_depth", measure_stack_depth},
    Hazard{"cancel_pending_in_connect", cancel_pending_in_connect},
    Hazard{"cancel_blocked_in_connect", cancel_blocked_in_connect},
    Hazard{"cancel_pending_in_close", cancel_pending_in_close},
    Hazard{"cancel_pending_in_failed_bind", cancel_pending_in_failed_bind},
    Hazard{"fork_while_reporting", fork_while_reporting},
    Hazard{"vfork_child_closes", vfork_child_closes},
    Hazard{"children_without_handlers", children_without_handlers},
    Hazard{"clone_without_tls", clone_without_tls},
    Hazard{"sixteen_threads", sixteen_threads},
    Hazard{"threads_call_during_exit", threads_call_during_exit},
    Hazard{"measure_dirty_pages", measure_dirty_pages},
    Hazard{"close_every_number", close_every_number},
    Hazard{"clear_environment", clear_environment},
    Hazard{"close_unseen", close_unseen},
    Hazard{"receive_descriptor", receive_descriptor},
    Hazard{"reopen_standard_error", reopen_standard_error},
    Hazard{"change_root", change_root},
    Hazard{"count_threads", count_threads},
    Hazard{"throw_after_report", throw_after_report},
    Hazard{"run_in_seccomp_sandbox", run_in_seccomp_sandbox},
    Hazard{"report_often", report_often},
    Hazard{"compare_before_and_after", compare_before_and_after},
    Hazard{"wait_for_any_child", wait_for_any_child},
    Hazard{"bind_where_openat_is_trapped", bind_where_openat_is_trapped},
    Hazard{"fork_beside_a_walk_of_objects", fork_beside_a_walk_of_objects},
    Hazard{"bind_without_standard_descriptors", bind_without_standard_descriptors},
    Hazard{"bind_in_a_thread_with_descriptors_of_its_own", bind_in_a_thread_with_descriptors_of_its_own},
    Hazard{"bind_without_a_free_descriptor", bind_without_a_free_descriptor},
    Hazard{"report_from_a_handler_that_interrupts_malloc", report_from_a_handler_that_interrupts_malloc},
    Hazard{"report_with_little_memory", report_with_little_memory},
    Hazard{"fail_in_200_threads", fail_in_200_threads},
    Hazard{"kill_children_in_reports", kill_children_in_reports},
    Hazard{"fork_during_cures", fork_during_cures},
    Hazard{"scan_over_taken_ports", scan_over_taken_ports},
    Hazard{"fail_at_forty_addresses", fail_at_forty_addresses},
};

} // namespace
} // namespace victim

int main(int count, char** arguments) {
    for (const victim::Hazard& hazard : victim::hazards) {
        if (count > 1 && std::strcmp(arguments[1], hazard.name) == 0) {
            return hazard.perform();
        }
    }
    std::printf("which hazard?\n");
    return 64;
}
