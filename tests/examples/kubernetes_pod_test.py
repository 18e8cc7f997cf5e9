#!/usr/bin/python3 -B
"""The pod of examples/kubernetes/pod.yaml, played: its volumes are folders, its images are roots with what an image has, and
each container runs in its root, read-only and without a privilege, with the command, environment, user and mounts of the
manifest. One image is of glibc, one of musl.

kubernetes_pod_test.py ROOT_OF_SOURCES BUILD      in network, mount and pid namespaces of its own
"""

import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

SKIP = 77
SOURCES, BUILD = map(pathlib.Path, sys.argv[1:3])
POD = yaml.safe_load((SOURCES / "examples/kubernetes/pod.yaml").read_text(encoding="utf-8"))
LIBC = ctypes.CDLL(None)
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
CLONE_NEWNET = 0x40000000


def call(*words: str | pathlib.Path) -> None:
    subprocess.run([str(word) for word in words], check=True, timeout=60)


def empty_root(folder: pathlib.Path) -> pathlib.Path:
    for name in ("proc", "dev", "portguard"):
        (folder / name).mkdir(parents=True)
    (folder / "dev/null").touch()
    return folder


def portguard_image(folder: pathlib.Path) -> pathlib.Path:
    """By the last step of the first stage of the Dockerfile, on the build that is tested, and busybox."""
    root = empty_root(folder)
    text = (SOURCES / "examples/kubernetes/Dockerfile").read_text(encoding="utf-8")
    step, = re.findall(r"^RUN (DESTDIR=(?:.*\\\n)*.*)$", text, re.MULTILINE)
    places = {"/build": BUILD, "/installed": f"{folder}-installed", "/image": root}
    step = re.sub(r"(?<=[ =])/(?:build|installed|image)\b", lambda place: str(places[place.group(0)]), step)
    call("sh", "-ec", f"exec >/dev/null; {step}")
    (root / "bin").mkdir()
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in ("sh", "cp", "sleep"):
        (root / "bin" / name).symlink_to("busybox")
    return root


def program_image(folder: pathlib.Path, compiler: str) -> pathlib.Path:
    """The program and the libraries that it names, no more."""
    root = empty_root(folder)
    call(compiler, "-O1", "-o", root / "program", SOURCES / "tests/examples/pod_program.c")
    headers = subprocess.run(["readelf", "-l", "-d", root / "program"], check=True, capture_output=True, text=True).stdout
    loader = re.search(r"program interpreter: (\S+?)\]", headers).group(1)
    (root / loader[1:]).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(loader, root / loader[1:])
    if compiler == "gcc":
        for library in re.findall(r"NEEDED.*\[(.*)\]", headers):
            (root / "lib/x86_64-linux-gnu").mkdir(parents=True, exist_ok=True)
            shutil.copy(f"/lib/x86_64-linux-gnu/{library}", root / "lib/x86_64-linux-gnu" / library)
    return root


class Container:
    """One of the pod, in `root`."""

    def __init__(self, manifest: dict, root: pathlib.Path, volumes: dict[str, pathlib.Path]) -> None:
        self.manifest, self.root, self.volumes = manifest, root, volumes
        self.security = {**POD["spec"]["securityContext"], **manifest["securityContext"]}

    def mount(self) -> None:
        call("mount", "--bind", self.root, self.root)
        for mount in self.manifest.get("volumeMounts", []):
            place = f"{self.root}{mount['mountPath']}"
            call("mount", "--bind", self.volumes[mount["name"]], place)
            if mount.get("readOnly"):
                call("mount", "-o", "remount,bind,ro", place)
        call("mount", "-t", "proc", "none", f"{self.root}/proc")
        call("mount", "--bind", "/dev/null", f"{self.root}/dev/null")
        if self.security["readOnlyRootFilesystem"]:
            call("mount", "-o", "remount,bind,ro", self.root)

    def unmount(self) -> None:
        for mount in self.manifest.get("volumeMounts", []):
            call("umount", f"{self.root}{mount['mountPath']}")
        for place in ("/proc", "/dev/null", ""):
            call("umount", f"{self.root}{place}")

    def become(self) -> None:
        os.chroot(self.root)
        os.chdir("/")
        assert self.security["capabilities"] == {"drop": ["ALL"]}
        for capability in range(64):
            LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        if not self.security["allowPrivilegeEscalation"]:
            LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        user = self.security["runAsUser"]
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(user, user, user)

    def run(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess:
        self.mount()
        try:
            return subprocess.run(command, env={"PATH": "/bin:/usr/local/bin", **environment}, preexec_fn=self.become,
                                  capture_output=True, text=True, check=False, timeout=60)
        finally:
            self.unmount()


class Pod(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.volumes = {}
        for volume in POD["spec"]["volumes"]:
            self.assertEqual(volume["emptyDir"], {})
            self.volumes[volume["name"]] = self.folder / volume["name"]
            self.volumes[volume["name"]].mkdir()
            # As kubelet makes an emptyDir.
            self.volumes[volume["name"]].chmod(0o777)

    def start(self) -> None:
        init, = POD["spec"]["initContainers"]
        container = Container(init, portguard_image(self.folder / "image"), self.volumes)
        finished = container.run(init["command"], {})
        self.assertEqual((finished.returncode, finished.stdout + finished.stderr), (0, ""))
        volume = self.volumes["portguard"]
        files = {str(path.relative_to(volume)): path.stat() for path in volume.rglob("*") if not path.is_dir()}
        self.assertEqual(set(files), {"libportguard.so", "portguard/portguard-explain"})
        self.assertEqual({status.st_uid for status in files.values()}, {init["securityContext"]["runAsUser"]})

    def play(self, image: pathlib.Path, guarded: bool) -> subprocess.CompletedProcess:
        # A pod has a network of its own, and what the one before has left in TIME_WAIT is not in it.
        self.assertEqual(LIBC.unshare(CLONE_NEWNET), 0)
        call("ip", "link", "set", "lo", "up")
        main, = POD["spec"]["containers"]
        environment = {entry["name"]: entry["value"] for entry in main["env"]}
        return Container(main, image, self.volumes).run(["/program"], environment if guarded else {})

    def check_image(self, compiler: str) -> None:
        image = program_image(self.folder / compiler, compiler)
        plain = self.play(image, False)
        self.assertEqual((plain.returncode, plain.stderr), (0, ""))
        in_use, = set(re.findall("^(?:second|restart) (.*)$", plain.stdout, re.MULTILINE))
        self.assertRegex(plain.stdout, r"^first ok\n.*\n.*\nroot Read-only file system uid 999\n$")
        self.start()
        guarded = self.play(image, True)
        self.assertEqual(guarded.returncode, 0, guarded.stderr)
        self.assertEqual(guarded.stdout, plain.stdout.replace(f"restart {in_use}", "restart ok"))
        refused, cured = [json.loads(line) for line in guarded.stderr.splitlines()]
        self.assertEqual((refused["event"], refused["errno"], refused["port"], refused["cause"]),
                         ("in_use", "EADDRINUSE", 7000, "self"), refused)
        self.assertEqual([frame["symbol"] for frame in refused["stack"] if frame["symbol"] in ("bound", "main")],
                         ["bound", "main"])
        self.assertEqual(refused["missing"], [])
        self.assertEqual((cured["event"], cured["port"]), ("cured", 7000), cured)

    def test_what_fails_in_an_image_of_glibc_is_explained_and_a_restart_is_cured(self) -> None:
        self.check_image("gcc")

    def test_what_fails_in_an_image_of_musl_is_explained_and_a_restart_is_cured(self) -> None:
        self.check_image("musl-gcc")


if __name__ == "__main__":
    if os.geteuid() != 0 or os.getpid() > 100:
        print("no pid namespace of its own")
        sys.exit(SKIP)
    if subprocess.run(["setpriv", "--reuid=1001", "--regid=1001", "--clear-groups", "true"], check=False).returncode != 0:
        print("no other user can be had here")
        sys.exit(SKIP)
    unittest.main(argv=sys.argv[:1])
