"""A saved plan: what is needed to plan again, and the fingerprint that must come out.

The document is one line of JSON with a digest over all of it, so that no byte can change unnoticed. It holds the topology's text, the
options that change a plan, and the engine as it was seen, which explains a refusal. It holds no secrets: where the file has environment
values its text stays out, and the file is read again from its path. No step in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import RefusedError, UsageError
from .marks import origin_fields, origin_from
from .model import DesiredState, ObservedState, Origin
from .safety import Policy
from .snapshot import snapshot_json, state_from_snapshot

FORMAT_VERSION = 1
KIND = "netplan saved plan"
_BLANK = "0" * 64


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """`file` is the topology's path for people and messages, `text` its content or None where it has secrets; `sha256` is of the content.

    `engine` is the engine's ID, `fingerprint` the plan's, `observed` what it was made from, `origin` where the file was.
    """

    file: str
    sha256: str
    text: str | None
    policy: Policy
    engine: str
    fingerprint: str
    observed: ObservedState
    origin: Origin | None = None


def text_digest(text: str) -> str:
    """The digest of a file's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def has_secrets(desired: DesiredState) -> bool:
    """Whether the file's text holds values that only the engine may see."""
    return any(len(container.environment) for container in desired.containers.values())


def saved_text(saved: SavedPlan, plan: Mapping[str, Any]) -> str:
    """The document. `plan` is the plan as JSON: for people and programs, never read back."""
    policy = saved.policy
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
        },
        **({"origin": origin_fields(saved.origin)} if saved.origin else {}),
        "plan": plan,
        "observed": snapshot_json(saved.observed),
    }
    text = json.dumps(document, separators=(",", ":")) + "\n"
    return text.replace(_BLANK, _digest(text), 1)


def read_saved(content: bytes, name: str) -> SavedPlan:
    """The saved plan in a file's content. Raises RefusedError unless it is to the byte what `saved_text` wrote."""
    try:
        text = content.decode("ascii")
        document = json.loads(text)
        digest = document["digest"]
        if document["kind"] != KIND or len(digest) != 64 or _digest(text.replace(digest, _BLANK, 1)) != digest:
            raise ValueError("its digest does not match")
        if document["format_version"] != FORMAT_VERSION:
            raise ValueError(f"its format_version is {document['format_version']}, netplan reads {FORMAT_VERSION}")
        return _saved(document)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, UsageError) as error:
        why = str(error) if type(error) is ValueError else "it is not what netplan wrote"
        raise RefusedError(
            f"the saved plan {name} cannot be trusted: {why}", "make a new one with: netplan plan FILE --out P.json"
        ) from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _saved(document: Mapping[str, Any]) -> SavedPlan:
    file, options = document["file"], document["options"]
    policy = Policy(
        frozenset(options["adopt"]),
        options["disrupt_foreign"],
        max_removals=options["max_removals"],
        allow_empty=options["allow_empty"],
        replaces=frozenset(options.get("replace_topology", ())),
    )
    observed = state_from_snapshot(document["observed"])
    origin = origin_from(document.get("origin", {}))
    return SavedPlan(file["path"], file["sha256"], file["text"], policy, document["engine"], document["fingerprint"], observed, origin)
