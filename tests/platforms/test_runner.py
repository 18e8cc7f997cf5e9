"""test_runner.py ROOT PACKAGE: what a stranger's workflow does on a runner (runner)."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import yaml

CI = pathlib.Path("examples/ci")
ROOT, PACKAGE = pathlib.Path(), pathlib.Path()
HOME = "home/runner"
WORKSPACE = f"{HOME}/work"


def in_root(script: str, folder: str) -> subprocess.CompletedProcess:
    """As the user of a runner, and by the shell that a runner takes."""
    words = ["chroot", str(ROOT), "/usr/bin/sudo", "-u", "runner", "-H", "/usr/bin/env", "-i", "HOME=/home/runner",
             "PATH=/usr/local/bin:/usr/bin:/bin", "CI=true", "DEBIAN_FRONTEND=noninteractive", "PORTGUARD_BUDGET_MS=10000",
             f"GITHUB_ACTION_PATH=/{WORKSPACE}/portguard/examples/ci", "bash", "-e", "-c", f"cd /{folder}\n{script}"]
    return subprocess.run(words, text=True, capture_output=True, check=False, timeout=300)


def checkout(options: dict) -> None:
    """Without a repository it is that of whoever has the workflow: the suite beside it."""
    if not options:
        shutil.copytree(CI / "ctest", ROOT / WORKSPACE)
        return
    assert re.fullmatch(r"\$\{\{ github\.repository_owner \}\}/portguard", options["repository"]), options
    target = ROOT / WORKSPACE / options["path"]
    target.mkdir()
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True,
                           capture_output=True).stdout
    packed = subprocess.run(["tar", "--create", "--null", "--files-from", "-"], input=names, check=True, capture_output=True)
    subprocess.run(["tar", "--extract", "--directory", str(target)], input=packed.stdout, check=True)


def restore_cache(options: dict) -> None:
    """As a second run finds it."""
    folder = ROOT / HOME / options["path"].removeprefix("~/")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(PACKAGE, folder)


class Runner(unittest.TestCase):
    def setUp(self) -> None:
        shutil.rmtree(ROOT / WORKSPACE, ignore_errors=True)
        subprocess.run(["chroot", str(ROOT), "dpkg", "--purge", "portguard"], check=True, capture_output=True)

    def steps(self, steps: list[dict]) -> list[subprocess.CompletedProcess]:
        """Behind one that fails only those that run always, as on a runner."""
        done: list[subprocess.CompletedProcess] = []
        for step in steps:
            if done and done[-1].returncode != 0 and step.get("if") != "always()":
                continue
            if "run" in step:
                done.append(in_root(step["run"], WORKSPACE))
            elif step["uses"].startswith("actions/checkout@"):
                checkout(step.get("with", {}))
                subprocess.run(["chroot", str(ROOT), "chown", "-R", "runner:", f"/{WORKSPACE}"], check=True)
            elif step["uses"].startswith("actions/cache@"):
                restore_cache(step["with"])
            elif step["uses"].startswith("./"):
                action = yaml.safe_load((ROOT / WORKSPACE / step["uses"] / "action.yml").read_text(encoding="utf-8"))
                self.assertEqual(action["runs"]["using"], "composite")
                done += self.steps(action["runs"]["steps"])
            else:
                self.assertRegex(step["uses"], "^actions/upload-artifact@")
                for name in step["with"]["path"].split():
                    self.assertTrue((ROOT / WORKSPACE / name).is_file(), f"{name}\n{done[-1].stdout}{done[-1].stderr}")
        return done

    def test_the_workflow_installs_portguard_and_names_the_tests_that_fought(self) -> None:
        workflow = yaml.safe_load((CI / "github-actions.yml").read_text(encoding="utf-8"))
        *before, tests = self.steps(workflow["jobs"]["tests"]["steps"])
        for done in before:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("libportguard.so", before[0].stdout)
        # Of ctest: the two tests meet on port 18081.
        self.assertEqual(tests.returncode, 8, tests.stdout + tests.stderr)
        self.assertRegex(tests.stderr, r"(?m)^::error .*18081")
        self.assertRegex((ROOT / WORKSPACE / "ports.xml").read_text(encoding="utf-8"), 'failures="1"')


if __name__ == "__main__":
    ROOT, PACKAGE = pathlib.Path(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1))
    unittest.main(verbosity=2)
