"""What the shim itself executes per call, counted by callgrind behind a stub that answers every call at once.

The count is the difference between two numbers of calls, with the shim and the stub less the stub alone, so that
start-up, loop and stub cancel out.
"""

import os
import re
import subprocess
import tempfile

FEW, MANY = 1000, 3000


def count(build: str, preload: list[str], environment: dict[str, str], call: str, times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                   f"{build}/bin/call_loop", call, str(times)]
        result = subprocess.run(
            command, env={"PATH": os.environ["PATH"], "LD_PRELOAD": ":".join(preload), **environment}, text=True,
            capture_output=True, check=True)
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1))


def per_call(build: str, environment: dict[str, str], call: str) -> float:
    shim, stub = f"{build}/lib/libportguard.so", f"{build}/lib/libbench_stub.so"

    def slope(preload: list[str]) -> float:
        few, many = (count(build, preload, environment, call, times) for times in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    return slope([shim, stub]) - slope([stub])
