#!/usr/bin/python3
"""Describes the fields of an event from its schema, as a table.

event_fields_test.py SCHEMA           prints the table
event_fields_test.py SCHEMA README    checks the README: its table is this one, its JSON is of the schema
"""

import json
import pathlib
import re
import sys

import jsonschema

START, END = "<!-- fields -->\n", "<!-- /fields -->"


def resolved(schema: dict, node: dict) -> dict:
    """`node` with what it refers to; its own description stands before that one's."""
    if "anyOf" in node:
        node = {**node, **node["anyOf"][-1], "nullable": True}
    reference = node.get("$ref", "")
    return {**schema["$defs"][reference.rpartition("/")[2]], **node} if reference else node


def type_of(node: dict) -> str:
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return ", ".join("null" if word is None else word for word in node["enum"])
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return " or ".join(kinds + ["null"] * node.get("nullable", False))


def rows(schema: dict, node: dict, prefix: str = ""):
    for name, child in node["properties"].items():
        child = resolved(schema, child)
        yield f"| `{prefix}{name}` | {type_of(child)} | {child.get('description', '')} |"
        inner, suffix = child, "."
        if "items" in child:
            inner, suffix = resolved(schema, child["items"]), "[]."
        if "properties" in inner:
            yield from rows(schema, inner, prefix + name + suffix)


def table(schema: dict) -> str:
    return "\n".join(["| field | type | |", "|---|---|---|", *rows(schema, schema)]) + "\n"


def check(schema: dict, readme: str) -> None:
    if readme.partition(START)[2].partition(END)[0] != table(schema):
        sys.exit(f"paste the output of `{sys.argv[0]} SCHEMA` between {START!r} and {END!r}")
    examples = re.findall(r"^```json\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    if not examples:
        sys.exit("the README shows no event")
    for example in examples:
        jsonschema.Draft202012Validator(schema).validate(json.loads(example))


if __name__ == "__main__":
    event_schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
    if len(sys.argv) > 2:
        check(event_schema, pathlib.Path(sys.argv[2]).read_text())
    else:
        sys.stdout.write(table(event_schema))
