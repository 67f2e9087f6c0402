"""What becomes of containers and images, as a person reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from ..model import DesiredEndpoint
from ..plan import Action, Change, Difference
from ..records import replace
from ..settings import Value
from .container_compare import in_place
from .containers import ContainerCase, Containers

_ACTIONS: dict[str, tuple[Action, ...]] = {
    "create": ("create",),
    "recreate": ("delete", "create"),
    "remove": ("delete",),
    "update": ("update",),
    "keep": ("start",),
}


def container_changes(containers: Containers) -> Iterator[Change]:
    """Images first, then containers by name."""
    for image, why in sorted(containers.pulls.items()):
        yield Change(("pull",), "", image=image, reason=why)
    for name, case in sorted(containers.cases.items()):
        if case.changes:
            yield _change(name, case)


def _change(name: str, case: ContainerCase) -> Change:
    differences = _created(case) if case.fate == "create" else case.differences
    if case.fate == "recreate":
        differences = tuple(
            replace(d, note="changes with it") if d.cause == "intent" and in_place(d) else d
            for d in differences
        )
    interrupted = (
        {name} if case.observed and case.observed.live and (case.goes or case.stop) else set()
    )
    interrupted |= {member.name for member in case.strangers if member.live}
    return Change(
        _ACTIONS[case.fate],
        "",
        name,
        differences,
        case.reason,
        case.wanted.source if case.wanted else None,
        tuple(sorted(interrupted)),
        case.drift,
        tuple(case.notes),
    )


def _created(case: ContainerCase) -> tuple[Difference, ...]:
    assert case.wanted is not None
    found = [Difference(path, None, value) for path, value in sorted(case.wanted.settings.items())]
    return (
        *found,
        *(Difference(f"networks.{e.network}", None, _attached(e)) for e in case.wanted.endpoints),
    )


def _attached(endpoint: DesiredEndpoint) -> str:
    """`address 10.1.0.5, alias web`: what an attachment asks for, in a few words."""
    words = {
        "aliases": "alias",
        "ipv4_address": "address",
        "ipv6_address": "address",
        "mac_address": "MAC",
        "link_local_ips": "link-local",
    }
    parts = [
        f"{words.get(path, path)} {_text(value)}"
        for path, value in sorted(endpoint.settings.items())
    ]
    return ", ".join(parts) or "attached"


def _text(value: Value) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def leaving(containers: Containers) -> Mapping[str, Collection[str]]:
    """Network -> the running containers on it that go."""
    found = defaultdict(set)
    for case in containers.cases.values():
        if case.goes and case.observed and case.observed.live:
            for endpoint in case.observed.endpoints:
                found[endpoint.network].add(case.name)
    return found
