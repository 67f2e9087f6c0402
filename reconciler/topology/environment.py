"""The environment of a container: files in order, then what stands in the topology. Its values are
in no message.
"""

from __future__ import annotations

from os.path import lexists
from typing import Any

from ..errors import UsageError
from ..marks import secret_digest
from ..settings import BadValueError, canonical_option
from .container_reader import Reader
from .document import Map, Odd, Seq, is_variable, show
from .envfile import Variable, parse
from .report import text
from .schema import flag


def read_environment(reader: Reader) -> None:
    """Files in order, then what stands in the topology; settings hold digests, the values go
    elsewhere.
    """
    values: dict[str, str] = {}
    for at, path, required in _environment_files(reader):
        values |= {line.key: line.value for line in read_lines(reader, at, path, required)}
    listed = isinstance(reader.body.get("environment"), Seq)
    for key, key_at, value, at in reader.pairs("environment", "the variable", ""):
        if fault := _variable_fault(key, value, listed):
            reader.report.error(at if "NUL" in fault else key_at, fault)
        elif not isinstance(value, Odd | Map | Seq):
            values[key] = value if isinstance(value, str) else canonical_option(value)
    reader.service.environment = values
    reader.settings.update(
        (f"environment.{key}", secret_digest(key, value)) for key, value in values.items()
    )


def read_lines(reader: Reader, at: int, path: str, required: bool = True) -> list[Variable]:
    """The KEY=value lines of a file; empty where it cannot be used, which is reported."""
    try:
        found = list(parse(reader.report.place.read(path)))
    except (UsageError, BadValueError) as error:
        if required or lexists(reader.report.place.path(path)):
            reader.report.error(at, f"the file {show(path)} cannot be used: {error}")
        return []
    for line in found:
        if line.expands:
            why = (
                "is an ordinary character here, where Compose expands a variable: put the value in"
                " single quotes"
            )
            reader.report.warn(at, f"the '$' in line {line.line} of {show(path)} {why}")
    return found


def _environment_files(reader: Reader) -> list[tuple[int, str, bool]]:
    """Position and path of each in order, and whether it must be there."""
    found = [(at, path, True) for at, path in reader.items("env_file")]
    for at, item in reader.members("env_file"):
        if isinstance(item, Map) and (path := text(item, "path")) is not None:
            found.append((at, path, flag(item.get("required")) is not False))
    return sorted(found)


def _variable_fault(key: str, value: Any, listed: bool) -> str:
    """What is wrong with a variable, or nothing. Its name is shown only where it looks like one: it
    may be a secret out of place.
    """
    name = (
        f"the variable {show(key)}"
        if is_variable(key) and not (listed and value is None)
        else "this variable"
    )
    if value is None:
        how = "NAME=value, or NAME= for an empty one" if listed else "one"
        return f"{name} has no value and is not taken from the shell: write {how}"
    if "=" in key:
        return "this variable has '=' in its name: write name: value"
    if not key or not key.isprintable() or key != key.strip() or (listed and len(key.split()) > 1):
        return "this variable has no usable name: write one without control characters and spaces"
    return (
        f"{name} holds a NUL character, which no variable can: remove it"
        if isinstance(value, str) and "\0" in value
        else ""
    )
