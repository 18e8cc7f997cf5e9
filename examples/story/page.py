"""How the story looks: two columns on 80 characters, and the table at its end."""

import textwrap

WIDTH = 80
COLUMN = 38


def heading(mark: str, text: str) -> None:
    print(f"\n({mark}) " + textwrap.fill(text, WIDTH - 5, subsequent_indent="     ").lstrip())


def side_by_side(without: list[str], with_guard: list[str]) -> None:
    left, right = column("without", without), column("with portguard", with_guard)
    height = max(len(left), len(right))
    left += [""] * (height - len(left))
    right += [""] * (height - len(right))
    for pair in zip(left, right):
        print(f"{pair[0]:{COLUMN}} | {pair[1]}".rstrip())


def column(title: str, lines: list[str]) -> list[str]:
    wrapped = [title, "-" * COLUMN]
    for line in lines:
        wrapped += textwrap.wrap(line, COLUMN, subsequent_indent="  ")
    return wrapped


def printed_by_portguard(lines: list[str]) -> None:
    print("Printed by portguard:" if lines else "Printed by portguard: nothing")
    for line in lines:
        # Broken between words alone: a port range in two pieces could not be searched for.
        print(textwrap.fill("  " + line, WIDTH, subsequent_indent=" " * 6, break_on_hyphens=False))


class Table:
    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []

    def add(self, what: str, told: tuple[str, str], seen: tuple[str, str]) -> None:
        self.rows.append((what, told[0], seen[0], told[1], seen[1]))

    def as_told(self) -> bool:
        return all(row[1] == row[2] and row[3] == row[4] for row in self.rows)

    def print(self) -> None:
        form = "{:37} | {:8} {:8} | {:8} {:8}{}"
        print("\n" + form.format("", "without", "", "with", "", "").rstrip())
        print(form.format("", "told", "seen", "told", "seen", "").rstrip())
        print("-" * 38 + ("+" + "-" * 19) * 2)
        for row in self.rows:
            wrong = row[1] != row[2] or row[3] != row[4]
            print(form.format(*row, " <- not as told" if wrong else "").rstrip())
