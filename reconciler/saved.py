"""A saved plan: what is needed to plan again, and the fingerprint that must come out.

The document is one line of JSON with a digest over all of it, so that damage is noticed; whoever
may write the file can make another digest, so it proves nobody's approval. It holds the topology's
text, the options that change a plan, and the engine as it was seen, from which the plan must come
out that it shows. It holds no secrets: where the file has environment values its text stays out,
the file is read again from its path, and of each value there is a seal (environment_digests.py). No
step in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .environment_digests import check_key, sealed, seals
from .errors import RefusedError, UsageError
from .fast_dataclasses import dataclass, field
from .marks import origin_fields, origin_from
from .model import DesiredState, Journal, ObservedState, Origin
from .safety import Policy
from .snapshot import journals_from_snapshot, snapshot_json, state_from_snapshot

FORMAT_VERSION = 3
"""2: holds seals of the environment's values, and journals. 3: settings are in the forms that the
registry gives them. Only this one is read: a plan of other forms would come out as another plan.
"""
KIND = "netplan saved plan"
_BLANK = "0" * 64


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """`file` is the topology's path for people and messages, `text` its content or None where it
    has secrets; `sha256` is of the content.

    `engine` is the engine's ID, `fingerprint` the plan's, `observed` and `journals` what it was
    made from, `origin` where the file was, `plan` is it as JSON, as shown to people. `environment`
    has the seal of each value of an environment, by container and name.
    """

    file: str
    sha256: str
    text: str | None
    policy: Policy
    engine: str
    fingerprint: str
    observed: ObservedState
    origin: Origin | None = None
    journals: tuple[Journal, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def text_digest(text: str) -> str:
    """The digest of a file's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def has_secrets(desired: DesiredState) -> bool:
    """Whether the file's text holds values that only the engine may see."""
    return any(len(container.environment) for container in desired.containers.values()) or any(
        len(volume.secrets) for volume in desired.volumes.values()
    )


def saved_text(saved: SavedPlan, desired: DesiredState, key: str = "") -> str:
    """The document. `key` seals the values of environments."""
    policy, observed = saved.policy, sealed(saved.observed, key)
    assert observed.seal is not None
    document = {
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "digest": _BLANK,
        "fingerprint": saved.fingerprint,
        "engine": saved.engine,
        "file": {"path": saved.file, "sha256": saved.sha256, "text": saved.text},
        "options": {
            "adopt": sorted(policy.adopt),
            "disrupt_foreign": policy.disrupt_foreign,
            "max_removals": policy.max_removals,
            "allow_empty": policy.allow_empty,
            "replace_topology": sorted(policy.replaces),
            "only": sorted(policy.only),
            "keep_going": policy.keep_going,
        },
        **({"origin": origin_fields(saved.origin)} if saved.origin else {}),
        "environment": seals(desired, observed.seal),
        "plan": saved.plan,
        "observed": snapshot_json(observed, saved.journals),
    }
    text = json.dumps(document, separators=(",", ":")) + "\n"
    return text.replace(_BLANK, _digest(text), 1)


def read_saved(content: bytes, name: str, key: str = "") -> SavedPlan:
    """The saved plan in a file's content, sealed with `key`. Raises RefusedError unless it is to
    the byte what `saved_text` wrote.
    """
    try:
        text = content.decode("ascii")
        document = json.loads(text)
        digest = document["digest"]
        if (
            document["kind"] != KIND
            or len(digest) != 64
            or _digest(text.replace(digest, _BLANK, 1)) != digest
        ):
            raise ValueError("its digest does not match")
        _check_version(document["format_version"], name)
        return _saved(document, key)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, UsageError) as error:
        why = str(error) if type(error) is ValueError else "netplan did not write it like this"
        raise RefusedError(
            f"the saved plan {name} cannot be trusted: {why}",
            "make a new one with: netplan plan FILE --out P.json",
        ) from None


def _check_version(version: object, name: str) -> None:
    if type(version) is not int:
        raise ValueError("it has no format_version")
    if version != FORMAT_VERSION:
        age = "an earlier" if version < FORMAT_VERSION else "a later"
        raise RefusedError(
            f"the saved plan {name} was made by {age} version of netplan: its format_version is"
            f" {version}, and this one reads {FORMAT_VERSION} only",
            "plan again with: netplan plan FILE --out P.json",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _saved(document: Mapping[str, Any], key: str) -> SavedPlan:
    file, options = document["file"], document["options"]
    policy = Policy(
        frozenset(options["adopt"]),
        options["disrupt_foreign"],
        max_removals=options["max_removals"],
        allow_empty=options["allow_empty"],
        replaces=frozenset(options.get("replace_topology", ())),
        only=frozenset(options.get("only", ())),
        keep_going=options.get("keep_going", False),
    )
    return SavedPlan(
        file["path"],
        file["sha256"],
        file["text"],
        policy,
        document["engine"],
        document["fingerprint"],
        state_from_snapshot(document["observed"], key),
        origin_from(document.get("origin", {})),
        journals_from_snapshot(document["observed"]),
        dict(document["plan"]),
        dict(document.get("environment", {})),
    )


def changed_values(saved: SavedPlan, desired: DesiredState) -> tuple[str, ...]:
    """The values of environments that are not those that were saved, `container web: environment.PW
    changes`. Raises UsageError.
    """
    seal, before = saved.observed.seal, saved.environment
    if seal is None or not (before or has_secrets(desired)):
        return ()
    check_key(seal)
    now = seals(desired, seal)
    paths = sorted(
        {(name, key) for state in (before, now) for name, values in state.items() for key in values}
    )
    differ = [
        (name, key)
        for name, key in paths
        if before.get(name, {}).get(key) != now.get(name, {}).get(key)
    ]
    return tuple(f"container {name}: environment.{key} changes" for name, key in differ)


_WORDS = ("reason", "source")
"""What a later netplan may put into other words."""


def shows(plan: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether the plan that a document shows to people is the one that was `made` of its topology
    and engine, both as JSON.
    """
    return all(
        _bare(plan.get(part)) == _bare(made.get(part))
        for part in ("topology", "applyable", "summary", "changes", "steps")
    )


def _bare(value: Any) -> Any:
    return (
        [{k: v for k, v in item.items() if k not in _WORDS} for item in value]
        if isinstance(value, list)
        else value
    )
