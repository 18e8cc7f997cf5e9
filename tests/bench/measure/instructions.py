"""What the shim itself executes per call, counted by callgrind behind a stub that answers every call at once.

The count is the difference between two numbers of calls, with the shim and the stub less the stub alone, so that
start-up, loop and stub cancel out. A bind inside the plan is counted on real sockets, without the stub, from its first
instruction to its last: the shim makes the system call itself where nothing but libc is behind it.
"""

import os
import re
import subprocess
import tempfile

FEW, MANY = 1000, 3000
REAL_CALLS = {"bind_tcp_in_plan": "bind_fresh_tcp", "bind_udp_in_plan": "bind_fresh_udp"}


def count(build: str, preload: list[str], environment: dict[str, str], call: str, times: int, *options: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                   *options, f"{build}/bin/call_loop", call, str(times)]
        result = subprocess.run(
            command, env={"PATH": os.environ["PATH"], "LD_PRELOAD": ":".join(preload), **environment}, text=True,
            capture_output=True, check=True)
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1))


def per_call(build: str, environment: dict[str, str], call: str) -> float:
    shim, stub = f"{build}/lib/libportguard.so", f"{build}/lib/libbench_stub.so"
    if call in REAL_CALLS:
        few, many = (count(build, [shim], environment, REAL_CALLS[call], times, "--toggle-collect=bind")
                     for times in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    def slope(preload: list[str]) -> float:
        few, many = (count(build, preload, environment, call, times) for times in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    return slope([shim, stub]) - slope([stub])
