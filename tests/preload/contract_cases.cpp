#include "preload/contract_cases.h"

#include <array>

namespace portguard::test {
namespace {

constexpr std::array cases{
    // socket
    ContractCase{"every_kind_opens",
                 "a = tcp4; b = tcp6; c = udp4; d = udp6; e = unix; f = netlink; g = raw4"},
    ContractCase{"mptcp_opens", "a = mptcp4; b = mptcp6"},
    ContractCase{"bad_domain", "a = socket 9999 1 0; b = socket -1 1 0"},
    ContractCase{"bad_type", "a = socket 2 99 0; b = socket 2 -1 0"},
    ContractCase{"bad_protocol", "a = socket 2 1 17; b = socket 2 2 6; c = socket 2 1 9999"},
    ContractCase{"type_flags", "a = socket 2 0x80801 0; bind a *:%P; listen a"},
    ContractCase{"explicit_protocols", "a = socket 2 1 6; b = socket 2 2 17; bind a *:%P; bind b *:%P"},
    ContractCase{"packet_socket_and_vsock", "a = socket 17 3 0; b = socket 40 1 0"},
    // bind
    ContractCase{"v4_wildcard", "a = tcp4; bind a *:%P; listen a"},
    ContractCase{"v4_loopback", "a = tcp4; bind a 127.0.0.1:%P; listen a"},
    ContractCase{"v6_wildcard", "a = tcp6; bind a [*]:%P; listen a"},
    ContractCase{"v6_loopback", "a = tcp6; bind a [::1]:%P; listen a"},
    ContractCase{"v4_mapped", "a = tcp6; bind a [::ffff:127.0.0.1]:%P; listen a"},
    ContractCase{"v4_mapped_on_v6only", "a = tcp6; set a v6only 1; bind a [::ffff:127.0.0.1]:%P"},
    ContractCase{"v6only",
                 "a = tcp6; set a v6only 1; bind a [*]:%P; b = tcp4; bind b *:%P; listen a; listen b"},
    ContractCase{"v6only_after_bind", "a = tcp6; bind a [*]:%P; set a v6only 1"},
    ContractCase{"not_our_address", "a = tcp4; bind a 192.0.2.1:%P; b = tcp6; bind b [2001:db8::1]:%P"},
    ContractCase{"multicast_and_broadcast",
                 "a = tcp4; bind a 224.0.0.1:%P; b = tcp4; bind b 255.255.255.255:%P"},
    ContractCase{"v4_address_on_v6_socket", "a = tcp6; bind a 127.0.0.1:%P"},
    ContractCase{"v6_address_on_v4_socket", "a = tcp4; bind a [::1]:%P"},
    ContractCase{"unspec_with_any", "a = tcp4; bind a family:0:%P; listen a; b = tcp4; bind b *:%P"},
    ContractCase{"unspec_with_address", "a = tcp4; bind a family:0:%P:127.0.0.1"},
    ContractCase{"unspec_on_v6_socket", "a = tcp6; bind a family:0:%P"},
    ContractCase{"unknown_family", "a = tcp4; bind a family:77:%P"},
    ContractCase{"privileged_port", "a = tcp4; bind a *:1; listen a; b = udp4; bind b *:1"},
    ContractCase{"highest_port", "a = tcp4; bind a *:65535; listen a"},
    ContractCase{"port_zero",
                 "a = tcp4; bind a *:0; inside a 1 65535; listen a; b = tcp6; bind b [*]:0; listen b"},
    ContractCase{"udp_port_zero", "a = udp4; bind a *:0; inside a 1 65535; b = udp6; bind b [*]:0"},
    ContractCase{"bind_twice", "a = tcp4; bind a *:%P; bind a *:%Q; bind a *:%P"},
    ContractCase{"bind_twice_on_port_zero", "a = tcp4; bind a *:0; bind a *:0"},
    ContractCase{"bind_after_listen", "a = tcp4; bind a *:%P; listen a; bind a *:%Q"},
    ContractCase{"bind_after_connect",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; bind c *:%Q; bind c *:0"},
    ContractCase{"client_with_explicit_port",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; bind c *:%Q; connect c @l"},
    ContractCase{"client_with_port_zero",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; bind c 127.0.0.1:0; connect c @l"},
    ContractCase{"shutdown_then_listen_again", "l = tcp4; bind l *:%P; listen l; shutdown l; listen l"},
    // bad addresses
    ContractCase{"bind_null", "a = tcp4; bind a null; bind a null len=0; bind a *:%P"},
    ContractCase{"bind_pointer_1", "a = tcp4; bind a ptr:1; b = tcp6; bind b ptr:1 len=28"},
    ContractCase{"bind_pointer_minus_1", "a = tcp4; bind a ptr:-1; bind a ptr:-8; b = udp4; bind b ptr:-1"},
    ContractCase{"bind_pointer_page_0_end", "a = tcp4; bind a ptr:4095; bind a ptr:4088"},
    ContractCase{"bind_unmapped", "a = tcp4; bind a unmapped; bind a *:%P", Touches::unmapped_page},
    ContractCase{"bind_unmapped_v6", "a = tcp6; bind a unmapped len=28; bind a [*]:%P",
                 Touches::unmapped_page},
    ContractCase{"bind_unmapped_udp", "a = udp4; bind a unmapped", Touches::unmapped_page},
    ContractCase{"bind_unmapped_on_bad_fd", "bind -1 unmapped; bind 999 unmapped; bind 0 unmapped",
                 Touches::unmapped_page},
    ContractCase{"bind_unmapped_on_unix", "a = unix; bind a unmapped", Touches::unmapped_page},
    ContractCase{"bind_unmapped_bad_length", "a = tcp4; bind a unmapped len=-1; bind a unmapped len=200",
                 Touches::unmapped_page},
    ContractCase{"bind_unmapped_when_bound", "a = tcp4; bind a *:%P; bind a unmapped",
                 Touches::unmapped_page},
    ContractCase{"short_lengths_v4",
                 "a = tcp4; bind a *:%P len=0; bind a *:%P len=1; bind a *:%P len=2; bind a *:%P len=15"},
    ContractCase{
        "short_lengths_v6",
        "a = tcp6; bind a [*]:%P len=2; bind a [*]:%P len=16; bind a [*]:%P len=23; bind a [*]:%P len=24"},
    ContractCase{"long_lengths", "a = tcp4; bind a *:%P len=129; bind a *:%P len=4096; bind a *:%P len=128"},
    ContractCase{"negative_lengths",
                 "a = tcp4; bind a *:%P len=-1; bind a *:%P len=-2147483648; connect a 127.0.0.1:%P len=-1"},
    ContractCase{"connect_null", "a = tcp4; connect a null; connect a null len=0"},
    ContractCase{
        "connect_bad_pointers",
        "a = tcp4; connect a ptr:1; connect a ptr:-1; connect a ptr:4095; b = tcp6; connect b ptr:1 len=28"},
    ContractCase{"connect_unmapped", "a = tcp4; connect a unmapped; b = tcp6; connect b unmapped len=28",
                 Touches::unmapped_page},
    ContractCase{"connect_unmapped_elsewhere",
                 "connect -1 unmapped; a = unix; connect a unmapped; b = udp4; connect b unmapped",
                 Touches::unmapped_page},
    ContractCase{"connect_short", "a = tcp4; connect a 127.0.0.1:%P len=0; connect a 127.0.0.1:%P len=1; "
                                  "connect a 127.0.0.1:%P len=15"},
    ContractCase{"connect_long", "a = tcp4; connect a 127.0.0.1:%P len=129; connect a 127.0.0.1:%P len=128"},
    // descriptors
    ContractCase{"fd_minus_1",
                 "bind -1 *:%P; listen -1; connect -1 127.0.0.1:%P; set -1 reuseaddr 1; close -1"},
    ContractCase{"fd_never_opened",
                 "bind 999 *:%P; listen 999; connect 999 127.0.0.1:%P; set 999 reuseaddr 1; close 999"},
    ContractCase{"fd_extremes", "close -2147483648; close 2147483647; bind 2147483647 *:%P; listen "
                                "-2147483648; close 65535; close 65536"},
    ContractCase{"fd_not_a_socket",
                 "bind 0 *:%P; listen 0; connect 0 127.0.0.1:%P; set 0 reuseaddr 1; set 0 range 1"},
    ContractCase{"close_twice", "a = tcp4; close a; close a"},
    ContractCase{"use_after_close",
                 "a = tcp4; close a; bind a *:%P; listen a; connect a 127.0.0.1:%P; set a reuseaddr 1"},
    ContractCase{"dup_binds_for_both",
                 "a = tcp4; b = dup a; bind b *:%P; bind a *:%Q; listen a; close a; listen b"},
    ContractCase{"dup_then_close_original", "a = tcp4; bind a *:%P; b = dup a; close a; listen b; c = tcp4; "
                                            "connect c @b; s = accept b; echo c s"},
    ContractCase{"dup2_over_a_bound_socket",
                 "a = tcp4; bind a *:%P; b = tcp4; dup2 b a; bind a *:%P; listen a"},
    ContractCase{"dup2_udp_over_tcp",
                 "a = tcp4; b = udp4; dup2 b a; bind a *:%P; listen a; connect a 127.0.0.1:%Q"},
    ContractCase{"dup2_unix_over_tcp", "a = tcp4; b = unix; dup2 b a; bind a unix:@c%P; listen a"},
    ContractCase{"dup2_tcp_over_unix",
                 "a = unix; b = tcp4; dup2 b a; bind a *:%P; listen a; c = tcp4; connect c @a"},
    ContractCase{"dup2_netlink_over_tcp",
                 "a = tcp4; b = netlink; dup2 b a; connect a netlink; bind a netlink"},
    ContractCase{"number_beyond_the_table",
                 "a = tcp4; b = dupto a 5000; bind b *:%P; listen b; c = tcp4; connect c @b"},
    // listen
    ContractCase{"listen_twice", "a = tcp4; bind a *:%P; listen a; listen a 1; listen a 0"},
    ContractCase{"listen_without_bind", "a = tcp4; listen a; inside a 1 65535; b = tcp6; listen b"},
    ContractCase{"listen_negative_backlog", "a = tcp4; bind a *:%P; listen a -1"},
    ContractCase{"listen_on_udp", "a = udp4; bind a *:%P; listen a; b = udp4; listen b"},
    ContractCase{"listen_on_raw_and_netlink", "a = raw4; listen a; b = netlink; listen b"},
    ContractCase{"listen_on_unbound_unix", "a = unix; listen a"},
    ContractCase{"listen_on_connected",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; listen c; s = accept l; listen s"},
    ContractCase{"both_flagged_second_listen_fails",
                 "a = tcp4; set a reuseaddr 1; bind a *:%P; b = tcp4; set b reuseaddr 1; bind b *:%P; listen "
                 "a; listen b; get b reuseaddr"},
    // conflicts
    ContractCase{"bound_against_bound", "a = tcp4; bind a *:%P; b = tcp4; bind b *:%P"},
    ContractCase{"bound_against_flagged_binder",
                 "a = tcp4; bind a *:%P; b = tcp4; set b reuseaddr 1; bind b *:%P"},
    ContractCase{"flagged_bound_against_plain",
                 "a = tcp4; set a reuseaddr 1; bind a *:%P; b = tcp4; bind b *:%P"},
    ContractCase{"listener_against_plain",
                 "a = tcp4; bind a *:%P; listen a; b = tcp4; bind b *:%P; bind b 127.0.0.1:%P"},
    ContractCase{
        "listener_against_flagged",
        "a = tcp4; set a reuseaddr 1; bind a *:%P; listen a; b = tcp4; set b reuseaddr 1; bind b *:%P"},
    ContractCase{"listener_against_other_address", "a = tcp4; bind a 127.0.0.1:%P; listen a; b = tcp4; bind "
                                                   "b 127.0.0.2:%P; listen b; c = tcp4; bind c *:%P"},
    ContractCase{"v4_against_v6_wildcard",
                 "a = tcp4; bind a *:%P; b = tcp6; bind b [*]:%P; c = tcp6; bind c [::1]:%P"},
    ContractCase{"v6_wildcard_against_v4",
                 "a = tcp6; bind a [*]:%P; listen a; b = tcp4; bind b 127.0.0.1:%P; c = tcp4; bind c *:%P"},
    ContractCase{"v6_loopback_beside_v4",
                 "a = tcp6; bind a [::1]:%P; listen a; b = tcp4; bind b 127.0.0.1:%P; listen b"},
    ContractCase{"mapped_against_v4", "a = tcp4; bind a 127.0.0.1:%P; listen a; b = tcp6; bind b "
                                      "[::ffff:127.0.0.1]:%P; bind b [::ffff:127.0.0.2]:%P"},
    ContractCase{"mapped_wildcard_against_v4",
                 "a = tcp4; bind a 127.0.0.1:%P; b = tcp6; bind b [::ffff:0.0.0.0]:%P"},
    ContractCase{"reuseport_pair", "a = tcp4; set a reuseport 1; bind a *:%P; b = tcp4; set b reuseport 1; "
                                   "bind b *:%P; listen a; listen b"},
    ContractCase{"reuseport_against_plain", "a = tcp4; set a reuseport 1; bind a *:%P; listen a; b = tcp4; "
                                            "bind b *:%P; set b reuseaddr 1; bind b *:%P"},
    ContractCase{"plain_against_reuseport",
                 "a = tcp4; bind a *:%P; listen a; b = tcp4; set b reuseport 1; bind b *:%P"},
    ContractCase{"bind_fails_then_elsewhere",
                 "a = tcp4; bind a *:%P; b = tcp4; bind b *:%P; bind b *:%Q; get b reuseaddr; listen b"},
    ContractCase{"port_is_free_after_close",
                 "a = tcp4; bind a *:%P; listen a; close a; b = tcp4; bind b *:%P; listen b"},
    ContractCase{"flagged_bound_after_bound_closes",
                 "a = tcp4; bind a *:%P; b = tcp4; bind b *:%P; close a; bind b *:%P; get b reuseaddr"},
    ContractCase{"udp_against_udp",
                 "a = udp4; bind a *:%P; b = udp4; bind b *:%P; set b reuseaddr 1; bind b *:%P"},
    ContractCase{"udp_flagged_pair",
                 "a = udp4; set a reuseaddr 1; bind a *:%P; b = udp4; set b reuseaddr 1; bind b *:%P"},
    ContractCase{"udp_reuseport_pair",
                 "a = udp4; set a reuseport 1; bind a *:%P; b = udp4; set b reuseport 1; bind b *:%P"},
    ContractCase{"udp_beside_tcp", "a = tcp4; bind a *:%P; listen a; b = udp4; bind b *:%P"},
    ContractCase{"udp_v4_against_v6",
                 "a = udp6; bind a [*]:%P; b = udp4; bind b *:%P; c = udp4; bind c 127.0.0.1:%P"},
    ContractCase{"mptcp_conflicts",
                 "a = mptcp4; bind a *:%P; listen a; b = mptcp4; bind b *:%P; c = tcp4; bind c *:%P"},
    // connect
    ContractCase{"connect_and_talk",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; s = accept l; echo c s; echo s c"},
    ContractCase{"connect_v6", "l = tcp6; bind l [*]:%P; listen l; c = tcp6; connect c @l; d = tcp4; connect "
                               "d 127.0.0.1:%P; s = accept l; echo c s"},
    ContractCase{
        "connect_mapped",
        "l = tcp4; bind l *:%P; listen l; c = tcp6; connect c [::ffff:127.0.0.1]:%P; s = accept l; echo s c"},
    ContractCase{"connect_mptcp",
                 "l = mptcp4; bind l *:%P; listen l; c = mptcp4; connect c @l; s = accept l; echo c s"},
    ContractCase{"connect_refused", "c = tcp4; connect c 127.0.0.1:%P; d = tcp6; connect d [::1]:%P"},
    ContractCase{"connect_refused_then_again", "c = tcp4; connect c 127.0.0.1:%P; connect c 127.0.0.1:%P; l "
                                               "= tcp4; bind l *:%P; listen l; connect c @l"},
    ContractCase{"connect_refused_then_bind", "c = tcp4; connect c 127.0.0.1:%P; bind c *:%Q; listen c"},
    ContractCase{"connect_refused_then_listen", "c = tcp4; connect c 127.0.0.1:%P; listen c"},
    ContractCase{
        "connect_twice",
        "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; connect c @l; connect c 127.0.0.1:%Q"},
    ContractCase{"connect_nonblocking", "l = tcp4; bind l *:%P; listen l; c = tcp4; nonblock c; connect c "
                                        "@l; writable c; connect c @l; connect c @l; s = accept l; echo c s"},
    ContractCase{
        "connect_nonblocking_refused",
        "c = tcp4; nonblock c; connect c 127.0.0.1:%P; writable c; connect c 127.0.0.1:%P; writable c"},
    ContractCase{"connect_unreachable",
                 "c = tcp4; connect c 192.0.2.1:80; d = tcp6; connect d [2001:db8::1]:80"},
    ContractCase{"connect_from_missing_address", "c = tcp4; bind c 127.0.0.1:0; connect c 192.0.2.1:80"},
    ContractCase{"connect_to_port_zero", "c = tcp4; connect c 127.0.0.1:0; d = tcp6; connect d [::1]:0"},
    ContractCase{"connect_to_broadcast",
                 "c = tcp4; connect c 255.255.255.255:%P; d = tcp4; connect d 224.0.0.1:%P"},
    ContractCase{
        "connect_wrong_family",
        "c = tcp4; connect c [::1]:%P; d = tcp6; connect d 127.0.0.1:%P; e = tcp4; connect e family:77:%P"},
    ContractCase{"disconnect_and_connect_again",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; connect c family:0:0; connect c "
                 "@l; get c reuseaddr; connect c family:0:0; get c reuseaddr",
                 Touches::cure},
    ContractCase{"disconnect_then_listen", "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; connect "
                                           "c family:0:0; bind c *:%Q; listen c"},
    ContractCase{"disconnect_unconnected",
                 "c = tcp4; connect c family:0:0; bind c *:%P; connect c family:0:0; listen c"},
    ContractCase{"disconnect_keeps_the_bound_port",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; bind c *:%Q; connect c @l; connect c "
                 "family:0:0; inside c %Q %Q; listen c"},
    ContractCase{"disconnect_a_listener", "l = tcp4; bind l *:%P; listen l; connect l family:0:0; listen l"},
    ContractCase{"self_connect_by_explicit_port",
                 "c = tcp4; bind c 127.0.0.1:%P; connect c 127.0.0.1:%P; echo c c"},
    ContractCase{"udp_connects", "c = udp4; connect c 127.0.0.1:%P; connect c 127.0.0.1:%Q; connect c "
                                 "family:0:0; d = udp6; connect d [::1]:%P"},
    ContractCase{"unix_connects",
                 "l = unix; bind l unix:@u%P; listen l; c = unix; connect c unix:@u%P; s = accept l; echo c "
                 "s; d = unix; connect d unix:@none%P; e = unix; bind e unix:@u%P"},
    ContractCase{"netlink_and_raw", "a = netlink; bind a netlink; connect a netlink; b = raw4; bind b "
                                    "127.0.0.1:0; connect b 127.0.0.1:0"},
    // setsockopt
    ContractCase{"set_bad_option", "a = tcp4; set a bad 1; set a nodelay 1; b = udp4; set b nodelay 1"},
    ContractCase{"set_short_value", "a = tcp4; set a reuseaddr 1 len=0; set a reuseaddr 1 len=1; set a "
                                    "reuseaddr 1 len=-1; get a reuseaddr"},
    ContractCase{"set_bad_pointer", "a = tcp4; set a reuseaddr 1 null; set a reuseaddr 1 ptr:1; set a "
                                    "reuseaddr 1 unmapped; set a range 1 ptr:-1; get a reuseaddr"},
    ContractCase{
        "set_reuseaddr_reads_back",
        "a = tcp4; get a reuseaddr; set a reuseaddr 7; get a reuseaddr; set a reuseaddr 0; get a reuseaddr"},
    ContractCase{"set_range", "a = tcp4; set a range 0xC350AFC8; bind a *:0; get a range; set a range 1; "
                              "get a range"},
    ContractCase{"set_on_unix", "a = unix; set a reuseaddr 1; get a reuseaddr; set a range 1"},
    // held by the dead and by passers-by
    ContractCase{"time_wait_both_flagged",
                 "l = tcp4; set l reuseaddr 1; bind l *:%P; listen l; c = tcp4; connect c @l; s = accept l; "
                 "close l; timewait s c; l = tcp4; set l reuseaddr 1; bind l *:%P; listen l"},
    ContractCase{"time_wait_plain",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; s = accept l; close l; timewait s "
                 "c; l = tcp4; bind l *:%P; listen l",
                 Touches::cure},
    ContractCase{"time_wait_chosen_off",
                 "l = tcp4; set l reuseaddr 0; bind l *:%P; listen l; c = tcp4; connect c @l; s = accept l; "
                 "close l; timewait s c; l = tcp4; set l reuseaddr 0; bind l *:%P",
                 Touches::chosen_off},
    ContractCase{"bind_over_outgoing",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; connect c @l; d = tcp4; bind d @c; set d "
                 "reuseaddr 1; bind d @c",
                 Touches::cure},
    ContractCase{"outgoing_with_the_flag",
                 "l = tcp4; bind l *:%P; listen l; c = tcp4; set c reuseaddr 1; "
                 "connect c @l; d = tcp4; set d reuseaddr 1; bind d @c; listen d",
                 Touches::ephemeral_port},
};
static_assert(cases.size() >= 100);

constexpr int first_port = 20000;

} // namespace

std::span<const ContractCase> contract_cases() {
    return cases;
}

std::string script_of(std::size_t index) {
    std::string script(cases[index].script);
    for (int which = 0; which < 2; ++which) {
        const std::string_view placeholder = which == 0 ? "%P" : "%Q";
        const std::string port = std::to_string(first_port + 2 * static_cast<int>(index) + which);
        for (std::size_t at = script.find(placeholder); at != std::string::npos;
             at = script.find(placeholder)) {
            script.replace(at, placeholder.size(), port);
        }
    }
    return script;
}

} // namespace portguard::test
