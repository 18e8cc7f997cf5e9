"""boot.py [--quick] [--record] --build BUILD --folder FOLDER SUITE...: boots the kernels that kernel-image made (kernels)."""

import argparse
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys
import time

import kernel_table

TREE = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = {True: 600, False: 3600}


def machine() -> list[str]:
    """All of it emulated, so that every machine runs it alike. No device but disks and serial ports."""
    return ["-machine", "pc,accel=tcg", "-cpu", "max", "-smp", "2",
            "-m", "2048", "-nodefaults", "-display", "none", "-no-reboot", "-nic", "none"]


def disk(path: pathlib.Path) -> list[str]:
    """What a guest writes is gone with it: two may have the same disk."""
    return ["-drive", f"file={path},format=raw,if=virtio,snapshot=on"]


def command_line(options: argparse.Namespace, kernel: pathlib.Path) -> list[str]:
    words = {"TREE": TREE, "BUILD": options.build, "QUICK": "1" if options.quick else "", "ONLY": options.only or "*"}
    variables = " ".join(f"{name}={value}" for name, value in words.items() if value)
    # Should this program be killed, the guest ends with it.
    return ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", *machine(), *disk(options.folder / "guest.ext4"), *disk(options.folder / "tree.ext4"),
            *disk(kernel / "modules.ext4"), "-kernel", str(kernel / "vmlinuz"), "-initrd", str(kernel / "initramfs"),
            "-append", f"console=ttyS0 quiet panic=-1 tsc=reliable {variables}",
            "-serial", f"file:{kernel}/console", "-serial", f"file:{kernel}/results"]


def boot(options: argparse.Namespace, suite: str) -> kernel_table.Run:
    kernel = options.folder / "kernels" / suite
    for name in ("console", "results"):
        (kernel / name).unlink(missing_ok=True)
    started = time.monotonic()
    command = command_line(options, kernel)
    (kernel / "command").write_text(shlex.join(command) + "\n", encoding="utf-8")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as qemu:
        try:
            qemu.wait(LIMIT_S[options.quick])
        except subprocess.TimeoutExpired:
            qemu.kill()
    lines = (kernel / "results").read_text(encoding="utf-8", errors="replace").splitlines()
    run = kernel_table.Run(suite, [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")])
    print(f"-- {suite}, {run.summary()}, {time.monotonic() - started:.0f} s", flush=True)
    if not run.has_ended():
        print((kernel / "console").read_text(encoding="utf-8", errors="replace")[-3000:], flush=True)
    return run


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--build", required=True)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("suites", nargs="*")
    options = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda suite: boot(options, suite), options.suites))
    print(kernel_table.table_of(runs))
    for run in runs:
        print(run.failures(), end="")
    is_right = bool(runs) and all(run.is_right() for run in runs)
    if options.record and is_right:
        kernel_table.record(runs)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
