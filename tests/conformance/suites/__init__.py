"""The suites by name."""

from suites.cpython import CPython
from suites.libuv import Libuv
from suites.memcached import Memcached
from suites.own import Own
from suites.redis import Redis

ALL = {suite.name: suite for suite in (CPython(), Redis(), Memcached(), Libuv(), Own())}
