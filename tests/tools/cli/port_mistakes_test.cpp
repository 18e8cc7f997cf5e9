// What cannot be meant is one sentence with the value and the way out, and nothing is changed.
#include "tools/support/port_command.h"

namespace portguard::test {
namespace {

class Mistaken : public PortCommand, public testing::WithParamInterface<std::pair<Words, Words>> {};

TEST_P(Mistaken, IsOneSentenceWithTheWayOut) {
    EXPECT_TRUE(refused_with(portguard(GetParam().first), 2, GetParam().second));
}

using Case = std::pair<Words, Words>;
INSTANTIATE_TEST_SUITE_P(
    Words, Mistaken,
    testing::Values(
        Case{{"rescue", "0"}, {"'0'", "1 to 65535"}}, Case{{"who", "70000"}, {"'70000'"}},
        Case{{"who", "abc"}, {"'abc'"}}, Case{{"who", "1.2.3:80"}, {"'1.2.3:80'", "/etc/hosts"}},
        Case{{"who", "80,"}, {"'80,'"}}, Case{{"who", "90-80"}, {"'90-80'", "reversed"}},
        Case{{"who", "80/sctp"}, {"'80/sctp'", "53/udp"}}, Case{{"who", "tcp/80"}, {"'tcp/80'", "53/udp"}},
        Case{{"who", "--udp", "80/tcp"}, {"--udp means nothing here", "'80/tcp'"}},
        Case{{"who", "--tcp", "53/udp"}, {"--tcp means nothing here", "'53/udp'"}},
        Case{{"who", "--with-reuseaddr", "53/udp"}, {"--with-reuseaddr means nothing here", "'53/udp'"}},
        Case{{"--hlep"}, {"'--hlep'", "did you mean --help?"}}, Case{{"--json"}, {"behind the subcommand"}},
        Case{{"who", "no-such-service"}, {"'no-such-service'", "/etc/services"}},
        Case{{"who", "--wait=1s"}, {"--wait needs a port"}}, Case{{"who", "--tcp", "--udp", "80"}, {"--tcp"}},
        Case{{"who", "-v", "80,81"}, {"--verbose", "about one port"}},
        Case{{"who", "--with-reuseaddr"}, {"--with-reuseaddr", "about one port"}},
        Case{{"who", "--no-headers", "80"}, {"--no-headers", "several ports"}},
        Case{{"who", "--udp", "/run/x"}, {"--udp", "unix socket"}},
        Case{{"who", "10.9.9.9:80"}, {"10.9.9.9:80", "ip address"}}, Case{{"rescue"}, {"PORT", "--help"}},
        Case{{"rescue", "1", "2"}, {"'2'", "one word too many"}},
        Case{{"who", "--wait=x", "1"}, {"wait=x", "30s"}},
        Case{{"who", "--netns=nope", "1"}, {"netns=nope", "ip netns list"}},
        Case{{"rescue", "--netns=../x", "1"}, {"netns=../x", "ip netns list"}},
        Case{{"hold", "--netns=4194305", "1"}, {"netns=4194305", "no such process"}},
        Case{{"hold", "0"}, {"'0'", "1 to 65535"}}, Case{{"hold", "90-80"}, {"'90-80'", "reversed"}},
        Case{{"hold"}, {"no PORTS", "--listen"}}, Case{{"hold", "--for=0", "1"}, {"for=0"}},
        Case{{"hold", "--state=foo", "1"}, {"state=foo", "time-wait"}},
        Case{{"hold", "--state=listen"}, {"one PORT"}},
        Case{{"hold", "--listen=5000-15000", "--ephemeral=15000-65000"}, {"port 15000"}}));

} // namespace
} // namespace portguard::test
