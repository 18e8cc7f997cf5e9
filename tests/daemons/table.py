"""The table of servers, with what an entry need not say."""

import pathlib
import tomllib

DEFAULTS = {
    "ports": "8000", "protocol": "tcp", "prepare": "", "files": {}, "user": "root", "environment": {}, "pidfile": "",
    "guard": "reachable", "ephemeral": "15000-65000", "told": [],
    "slow": False,
}


def servers() -> dict[str, dict]:
    with open(pathlib.Path(__file__).with_name("servers.toml"), "rb") as file:
        return {name: DEFAULTS | entry for name, entry in tomllib.load(file).items()}
