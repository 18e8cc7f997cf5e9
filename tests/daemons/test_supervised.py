"""Servers whose children have filters, roots and users of their own, in use under the supervisor."""

import ftplib
import os
import pathlib
import signal
import socket
import subprocess
import unittest
import urllib.request

# First, since it says where harness is.
from condition import PORT, ConditionTest
import harness

SUPERVISOR = [*harness.PLAN, "--front-end=supervisor"]
# Most of it is of `listen`.
RANGE = (9000, 15999)
EPHEMERAL_LOW = 15000
OUTSIDE = 20000
LISTENS_OUTSIDE = f"import socket; s = socket.socket(); s.bind((\"127.0.0.1\", {OUTSIDE})); s.listen()"


class Sandboxes(ConditionTest):
    def setUp(self) -> None:
        super().setUp()
        harness.set_ephemeral_range(*RANGE)
        # Theirs, whoever they become.
        pathlib.Path(self.folder).chmod(0o755)

    def serve(self, *command: str) -> harness.Process:
        process = self.start(harness.guarded(list(command), SUPERVISOR))
        self.await_listener(process, PORT)
        self.assertFalse(process.ended(), process.printed())
        return process

    def folder_of(self, name: str) -> str:
        path = pathlib.Path(self.folder, name)
        path.mkdir()
        return str(path)

    def test_sshd_lets_in_who_has_a_key_and_guards_what_runs_there(self) -> None:
        """Its child before the login may do next to nothing; the session has none of the environment."""
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        for name in ("host", "mine"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{name}"], check=True)
        config = self.write("sshd_config", f"Port {PORT}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\n"
                            f"StrictModes no\nAuthorizedKeysFile {self.folder}/mine.pub\n")
        process = self.serve("/usr/sbin/sshd", "-D", "-e", "-f", config)
        ssh = ["ssh", "-F", "/dev/null", "-i", f"{self.folder}/mine", "-p", str(PORT), "-o", "StrictHostKeyChecking=no",
               "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-R", "5000:127.0.0.1:1", "root@127.0.0.1"]
        done = subprocess.run([*ssh, "env | grep PORTGUARD_; ss -Htln"], capture_output=True, text=True, timeout=harness.DEADLINE,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr + process.printed())
        self.assertNotIn("PORTGUARD_", done.stdout)
        self.assertIn(" 127.0.0.1:5000 ", done.stdout, "the forwarded port of `listen`")
        done = subprocess.run([*ssh, f"python3 -c '{LISTENS_OUTSIDE}'"], capture_output=True, text=True, timeout=harness.DEADLINE,
                              check=False)
        self.assertIn("PermissionError", done.stderr)

    def serve_files(self, sandbox: str) -> ftplib.FTP:
        public = pathlib.Path(self.folder_of("public"))
        (public / "readme").write_text("hello\n")
        self.serve("/usr/sbin/vsftpd", self.write(
            "vsftpd.conf", f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={PORT}\nbackground=NO\nanonymous_enable=YES\n"
            f"anon_root={public}\nsecure_chroot_dir={self.folder_of('empty')}\nseccomp_sandbox={sandbox}\n"
            "connect_from_port_20=NO\npasv_min_port=9000\npasv_max_port=9009\n"))
        client = ftplib.FTP(timeout=harness.DEADLINE)
        self.addCleanup(client.close)
        client.connect("127.0.0.1", PORT)
        client.login()
        return client

    def test_vsftpd_lets_in_by_children_with_a_filter(self) -> None:
        """Which ends them at the first transfer, without us as well: vsftpd 3.0.3 is older than this libc."""
        self.assertEqual(self.serve_files("YES").pwd(), "/")

    def test_vsftpd_transfers_both_ways_from_its_chroot(self) -> None:
        client = self.serve_files("NO")
        for passive, ports in ((True, range(9000, 9010)), (False, range(EPHEMERAL_LOW, RANGE[1] + 1))):
            client.set_pasv(passive)
            with client.transfercmd("RETR readme") as data, data.makefile() as text:
                self.assertIn(data.getpeername()[1], ports)
                self.assertEqual(text.read(), "hello\n")
            client.voidresp()

    def test_nginx_serves_by_its_workers_and_is_refused_by_its_name_when_it_is_reloaded(self) -> None:
        """Its master has a title in the place of its arguments by then."""
        def configure(port: int) -> str:
            return self.write("nginx.conf", f"daemon off;\nuser www-data;\npid {self.folder}/pid;\nerror_log stderr;\nevents {{}}\n"
                              f"http {{\naccess_log off;\nserver {{ listen 127.0.0.1:{PORT}; listen 127.0.0.1:{port};\n"
                              "location / { return 200 hello; } }\n}\n")

        process = self.serve("/usr/sbin/nginx", "-e", "stderr", "-c", configure(PORT + 1))
        for port in (PORT, PORT + 1):
            self.assertEqual(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=harness.DEADLINE).read(), b"hello")
        configure(OUTSIDE)
        os.kill(process.pid, signal.SIGHUP)
        harness.wait_until(process.guard_lines, "a report", process)
        self.assertRegex(process.guard_lines()[0], rf"^portguard: nginx\[\d+\]: listen tcp 127\.0\.0\.1:{OUTSIDE}: refused")
        with socket.create_connection(("127.0.0.1", PORT + 1)):
            pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
