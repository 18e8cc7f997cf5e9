#!/usr/bin/python3 -B
"""Every picture of the repository, rendered outside a browser, shows its colours: light, and dark where it has that.

pictures_test.py ROOT
"""

import io
import pathlib
import re
import subprocess
import sys
import tempfile

from PIL import Image

DARK = re.compile(r"@media \(prefers-color-scheme:dark\)\{\n(.*?\n)\}\n", re.DOTALL)
# Letters and lines are drawn in shades: a colour is one that fills an area.
AREA = 60


def areas(picture: pathlib.Path, stylesheet: str = "") -> set[tuple[int, ...]]:
    with tempfile.NamedTemporaryFile("w", suffix=".css") as css:
        css.write(stylesheet)
        css.flush()
        png = subprocess.run(["/usr/bin/rsvg-convert", "--stylesheet", css.name, picture], check=True, capture_output=True)
    image = Image.open(io.BytesIO(png.stdout)).convert("RGB")
    return {colour for count, colour in image.getcolors(image.width * image.height) if count >= AREA}



def complaints(picture: pathlib.Path) -> list[str]:
    light = areas(picture)
    found = [] if len(light) >= 3 else [f"{picture}: {len(light)} colours"]
    dark_rules = DARK.search(picture.read_text(encoding="utf-8"))
    if dark_rules is None:
        return found
    dark = areas(picture, dark_rules.group(1))
    if len(dark) < 8 or len(light) < 8 or len(light & dark) > 2:
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
