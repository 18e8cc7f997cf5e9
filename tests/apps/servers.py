"""The servers: how each is started on a port of 127.0.0.1, and how one request to it looks."""

import pathlib

PROGRAMS = pathlib.Path(__file__).parent / "programs"
HTTP_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Server:
    """`request` must leave the connection open, as the restart is to find connections; `answer` begins the reply."""

    request = HTTP_REQUEST
    answer = b"HTTP/1."
    sets_reuseaddr = True
    sets_reuseport = False

    def command(self, port: int, folder: str) -> list[str]:
        raise NotImplementedError


class Nginx(Server):
    def command(self, port: int, folder: str) -> list[str]:
        config = pathlib.Path(folder, f"nginx-{port}.conf")
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(
            f"user root;\ndaemon off;\nworker_processes 2;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}"
            f"server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}\n}}\n")
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(config)]


class Redis(Server):
    request = b"PING\r\n"
    answer = b"+PONG"

    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]


class Haproxy(Server):
    sets_reuseport = True

    def command(self, port: int, folder: str) -> list[str]:
        config = pathlib.Path(folder, f"haproxy-{port}.cfg")
        config.write_text(
            "defaults\n  mode http\n  timeout client 1m\n  timeout server 1m\n  timeout connect 1m\n"
            f"frontend web\n  bind 127.0.0.1:{port}\n  http-request return status 200\n")
        return ["/usr/sbin/haproxy", "-db", "-f", str(config)]


class Memcached(Server):
    request = b"version\r\n"
    answer = b"VERSION "

    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(port)]


class PythonHttp(Server):
    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/python3", "-m", "http.server", "--protocol", "HTTP/1.1", "--bind", "127.0.0.1", str(port)]


class PythonPlain(Server):
    """socketserver leaves SO_REUSEADDR off: the one server here to which it matters who sets it."""

    request = b"hello\n"
    answer = b"hello"
    sets_reuseaddr = False

    address = "127.0.0.1"

    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/python3", str(PROGRAMS / "plain_server.py"), self.address, str(port)]


class PythonDual(PythonPlain):
    """Its TIME_WAIT sockets are of IPv4-mapped addresses, and in the way of the IPv6 wildcard."""

    address = "::"


class Node(Server):
    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/node", str(PROGRAMS / "server.js"), str(port)]


class Java(Server):
    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/java", str(PROGRAMS / "Server.java"), str(port)]


ALL = {
    "nginx": Nginx(), "redis": Redis(), "haproxy": Haproxy(), "memcached": Memcached(),
    "python_http": PythonHttp(), "python_plain": PythonPlain(),
    "python_dual": PythonDual(), "node": Node(), "java": Java(),
}
