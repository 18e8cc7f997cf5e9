#!/usr/bin/python3 -B
"""Every picture of the repository, rendered outside a browser, shows its colours: light, and dark where it has that.

pictures_test.py ROOT
"""

import io
import pathlib
import re
import subprocess
import sys

from PIL import Image

DARK = re.compile(r"@media \(prefers-color-scheme:dark\)\{\n(.*?\n)\}\n", re.DOTALL)
# Letters and lines are drawn in shades: a colour is one that fills an area.
AREA = 60


def areas(svg: str) -> set[tuple[int, ...]]:
    png = subprocess.run(["/usr/bin/rsvg-convert"], input=svg.encode(), check=True, capture_output=True)
    image = Image.open(io.BytesIO(png.stdout)).convert("RGB")
    return {colour for count, colour in image.getcolors(image.width * image.height) if count >= AREA}


def complaints(picture: pathlib.Path) -> list[str]:
    svg = picture.read_text(encoding="utf-8")
    light = areas(svg)
    found = [] if len(light) >= 3 else [f"{picture}: {len(light)} colours"]
    if DARK.search(svg) is None:
        return found
    # librsvg asks no desktop what it prefers.
    dark = areas(DARK.sub(r"\1", svg))
    if len(dark) < 8 or len(light) < 8 or len(light & dark) > len(light) / 2:
        found.append(f"{picture}: {len(light)} colours, {len(dark)} dark, {len(light & dark)} in both")
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    pictures = [*root.glob("examples/**/*.svg"), *root.glob("tests/bench/results/*.svg")]
    found = [complaint for picture in pictures for complaint in complaints(picture)]
    if len(pictures) < 2:
        found.append("there are no pictures")
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
