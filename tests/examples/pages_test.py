#!/usr/bin/python3 -B
"""Every link of every page leads to a file of the repository, README fits 160 lines, and its first code block is a report.

pages_test.py ROOT
"""

import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)[^)]*\)")
LONGEST_README = 160


def broken_links(root: pathlib.Path, page: pathlib.Path) -> list[str]:
    return [f"{page.relative_to(root)}: there is no {target}" for target in LINK.findall(page.read_text(encoding="utf-8"))
            if not (page.parent / target).exists()]


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    listed = subprocess.run(["git", "-C", root, "-c", f"safe.directory={root}", "ls-files", "-z", "*.md"], check=True,
                            capture_output=True, text=True).stdout
    pages = [root / name for name in listed.split("\0") if name and (root / name).exists()]
    complaints = [complaint for page in pages for complaint in broken_links(root, page)]
    readme = (root / "README.md").read_text(encoding="utf-8")
    if len(readme.splitlines()) > LONGEST_README:
        complaints.append(f"README.md has {len(readme.splitlines())} lines, more than {LONGEST_README}")
    if "\n  cause " not in readme.split("```")[1]:
        complaints.append("the first thing that README.md shows is not a report")
    if not pages:
        complaints.append("there is no page")
    print(*complaints, sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
