"""One run of build/bin/kernel_calls under a peer."""

import json

from measure.peers import Peer

CALLS = ("socket", "close", "setsockopt watched", "setsockopt not watched", "bind", "connect")


def run(build: str, peer: Peer, count: int, which: str) -> dict[str, dict]:
    """Each benchmark that `which` (a regular expression) finds, by its name with the way of measuring cut off."""
    said = peer.run([f"{build}/bin/kernel_calls", str(count), "--benchmark_format=json", f"--benchmark_filter={which}"])
    # A preloaded object may have something to say first.
    found = json.loads(said[said.index("{"):])["benchmarks"]
    return {shorten(one["name"]): one for one in found}


def shorten(name: str) -> str:
    parts = name.split("/")
    return "/".join([parts[0], *(part for part in parts[1:] if part.startswith("threads:"))])


def time_calls(build: str, peer: Peer, count: int) -> dict[str, float]:
    """Nanoseconds; a call that failed is left out."""
    found = run(build, peer, count, "^[^t]")
    return {name: one["real_time"] for name, one in found.items() if not one.get("error_occurred")}
