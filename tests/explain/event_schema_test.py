#!/usr/bin/python3
"""Validates JSON lines from stdin against examples/events/schema.json: event_schema_test.py SCHEMA"""
import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
lines = 0
for line in sys.stdin.buffer:
    lines += 1
    for error in validator.iter_errors(json.loads(line.decode("utf-8"))):
        path = "/".join(str(step) for step in error.absolute_path)
        sys.exit(f"line {lines}, {path}: {error.message}\n{line!r}")
if lines == 0:
    sys.exit("no line came")
print(lines)
