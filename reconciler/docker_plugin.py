"""`docker netplan ...`: what the docker command asks of a program in its plugin folder.

It calls `docker-netplan docker-cli-plugin-metadata` to learn what this is, then `docker-netplan`
with its own arguments: its global options, `netplan`, and what follows.
"""

from __future__ import annotations

import os

from . import __version__

TYPE_CHECKING = False  # as in cli.py: typing takes longer to load than a version to print
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

COMMAND = "docker-netplan"
"""The second name of the command."""
PLUGIN = "docker netplan"
METADATA = "docker-cli-plugin-metadata"
_VALUES = {"-H": "host", "-c": "context", "-l": "log-level"}
_WITH_VALUE = ("host", "context", "config", "log-level")


def metadata() -> str:
    """What the docker command wants to know of a plugin, as JSON."""
    import json

    told = {
        "Vendor": "netplan",
        "ShortDescription": "Docker topologies as code",
        "Version": __version__,
    }
    return json.dumps({"SchemaVersion": "0.1.0", **told})


def understood(
    given: Sequence[str], env: MutableMapping[str, str] = os.environ
) -> tuple[str, list[str]]:
    """How the program was called, and its own arguments; what the docker command was told of the
    engine goes to `env`.

    Raises UsageError for options of the docker command that netplan cannot heed.
    """
    rest, options = list(given), dict[str, str]()
    while rest and rest[0].startswith("-") and len(rest) > 1:
        name, value, rest = _option(rest)
        options[name] = value
    if rest[:2] == ["help", "netplan"]:
        return PLUGIN, [*rest[2:], "--help"]
    if rest[:1] != ["netplan"]:
        return COMMAND, list(given)
    _heed(options, env)
    return PLUGIN, rest[1:]


def _option(words: Sequence[str]) -> tuple[str, str, list[str]]:
    """The first option without its dashes, its value, and what follows."""
    first, *rest = words
    if not first.startswith("--"):
        name, value = _VALUES.get(first[:2], first), first[2:].removeprefix("=")
    else:
        name, _, value = first[2:].partition("=")
    if value or name not in _WITH_VALUE:
        return name, value, rest
    return name, rest[0] if rest else "", rest[1:]


def _heed(options: dict[str, str], env: MutableMapping[str, str]) -> None:
    from .errors import UsageError

    tls = next((name for name in options if name.startswith("tls")), None)
    if tls is not None:
        hint = "set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or use a docker context"
        raise UsageError(f"netplan cannot use docker's option --{tls}", hint)
    if "config" in options:
        env["DOCKER_CONFIG"] = options["config"]
    if "context" in options:
        env["DOCKER_CONTEXT"] = options["context"]
        env.pop("DOCKER_HOST", None)
    if "host" in options:
        env["DOCKER_HOST"] = options["host"]
        env.pop("DOCKER_CONTEXT", None)
