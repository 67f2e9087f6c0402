"""What becomes of each volume: kept, created or removed.

A volume cannot be changed without losing what it holds. So one that differs is refused, or used as
it is, and none is removed unless that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..marks import digest, digests
from ..model import DesiredState, DesiredVolume, ObservedState, ObservedVolume, VolumeMark
from ..ownership import ours, owner
from ..plan import Cause, Difference, Refusal
from ..safety import Policy
from ..settings.volume_rows import DEFAULTS
from .decisions import Containers, VolumeCase, Volumes

_LABEL = "labels."


def decide_volumes(
    desired: DesiredState, observed: ObservedState, containers: Containers, policy: Policy
) -> Volumes:
    """A case for every declared volume that is not external, and for those that are removed."""
    return _Decider(desired, observed, containers, policy).run()


class _Decider:
    def __init__(
        self, desired: DesiredState, observed: ObservedState, containers: Containers, policy: Policy
    ) -> None:
        self.desired, self.observed, self.policy = desired, observed, policy
        self.containers = containers
        self.result = Volumes()

    def run(self) -> Volumes:
        own = [volume for volume in self.desired.volumes.values() if not volume.external]
        there = self.observed.volumes
        if there is None:
            if own:
                self.result.notes.append(
                    "nothing is known of volumes: make a new snapshot to see which will be created"
                )
            return self.result
        for wanted in own:
            self._wanted(wanted, there.get(wanted.name))
        kept: list[str] = []
        for name, volume in sorted(there.items()):
            if ours(volume, self.desired.topology) and name not in self.desired.volumes:
                kept += self._undeclared(volume)
        if kept:
            self.result.notes.append(self._left(kept))
        return self.result

    # --- declared ---

    def _wanted(self, wanted: DesiredVolume, present: ObservedVolume | None) -> None:
        case = self.result.cases[wanted.name] = VolumeCase(wanted.name, "keep", wanted, present)
        if present is None:
            case.fate, case.reason = "create", "declared, does not exist"
            case.mark = VolumeMark(
                self.desired.topology, digests(wanted.settings), self.desired.origin
            )
            return
        mine = ours(present, self.desired.topology)
        found = list(_differences(wanted, present, mine))
        if fixed := [d for d in found if not d.path.startswith(_LABEL)]:
            self.result.refusals.append(_fixed(wanted, fixed))
        elif not mine:
            whose = (
                f"belongs to topology {owner(present)!r}"
                if present.mark
                else "was not created by netplan"
            )
            self.result.notes.append(
                f"volume {wanted.name} {whose}: it is used as it is, and never removed; declare it"
                " external: true"
            )
        elif found:
            self.result.notes.append(
                f"volume {wanted.name} keeps the labels that it was created with:"
                f" {_in_words(found)}"
            )

    # --- not declared ---

    def _undeclared(self, volume: ObservedVolume) -> Iterator[str]:
        """Its name, unless it is removed or something else is told of it."""
        file = self.policy.destroyed
        if file and volume.name in file.volumes and file.volumes[volume.name].external:
            self.result.notes.append(f"volume {volume.name} is left: the file declares it external")
        elif not (file and self.policy.volumes):
            yield volume.name
        elif others := self._others(volume):
            self.result.notes.append(
                f"volume {volume.name} is left: mounted by {', '.join(others)}, which"
                f" {'stay' if len(others) > 1 else 'stays'}"
            )
        else:
            self.result.cases[volume.name] = VolumeCase(
                volume.name,
                "remove",
                observed=volume,
                mark=volume.mark,
                reason="topology is destroyed",
            )

    def _others(self, volume: ObservedVolume) -> list[str]:
        """The containers that mount it, and that are not removed."""
        users = [one for one in self.observed.containers if one.id in volume.users]
        cases = ((user.name, self.containers.of(user)) for user in users)
        return [name for name, case in cases if not (case and case.goes)]

    def _left(self, names: list[str]) -> str:
        """What is told of those that stay because they hold data."""
        several, command = len(names) > 1, f"docker volume rm {' '.join(names)}"
        subject = f"volume{'s' if several else ''} {', '.join(names)}"
        them, they = ("them", "they hold") if several else ("it", "it holds")
        if self.policy.destroyed:
            are = "are" if several else "is"
            return (
                f"{subject} {are} left, as {they} data: destroy --volumes removes {them}, or"
                f" {command}"
            )
        not_declared = f"{'are' if several else 'is'} no longer declared, and left, as"
        return f"{subject} {not_declared} {they} data: {command} removes {them}"


def _differences(
    wanted: DesiredVolume, present: ObservedVolume, mine: bool
) -> Iterator[Difference]:
    """As networks are compared: an unset setting is unmanaged, and one that is no longer declared
    goes back to the engine's default. Labels matter only where they were written by us.
    """
    recorded = present.mark.hashes if present.mark and mine else {}
    for path in sorted({*wanted.settings, *recorded}):
        declared = wanted.settings.get(path)
        before = present.settings.get(path, DEFAULTS.get(path))
        after = DEFAULTS.get(path) if declared is None else declared
        if before != after:
            cause: Cause = "intent"
            if declared is None:
                cause = "dropped"
            elif recorded.get(path) == digest(declared):
                cause = "drift"
            yield Difference(path, before, after, cause)


def _in_words(differences: list[Difference]) -> str:
    """`driver_opts.type is tmpfs, not nfs`."""
    return ", ".join(
        f"{d.path} is {'not set' if d.before is None else d.before},"
        f" {'and no longer declared' if d.after is None else f'not {d.after}'}"
        for d in differences
    )


def _fixed(wanted: DesiredVolume, differences: list[Difference]) -> Refusal:
    return Refusal(
        f"volume {wanted.name} is not as declared: {_in_words(differences)}",
        "a volume cannot be changed without losing what it holds: correct the file, give the volume"
        f" another name, or copy what is needed, run docker volume rm {wanted.name}, and apply"
        " again",
        source=wanted.source,
        about=("", "", wanted.name),
    )
