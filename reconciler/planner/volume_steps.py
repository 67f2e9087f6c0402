"""The steps of volumes, by name of the volume."""

from __future__ import annotations

from collections.abc import Mapping

from ..plan import NO_PLACE, Step
from .decisions import Containers, VolumeCase, Volumes
from .graph import Node


class VolumeSteps:
    """Creations and removals."""

    def __init__(self, volumes: Volumes) -> None:
        self.cases = volumes.cases
        self.creates: dict[str, Node] = {}
        self.removes: dict[str, Node] = {}
        for name, case in sorted(self.cases.items()):
            if case.fate == "create":
                self.creates[name] = _node(case)
            elif case.fate == "remove":
                self.removes[name] = _node(case)

    def edges(self, containers: Containers, removals: Mapping[str, Node]) -> None:
        """A volume is removed after the containers that mount it; `removals` are theirs by name."""
        for name, node in self.removes.items():
            volume = self.cases[name].observed
            for case in containers.cases.values():
                if volume and case.observed and case.observed.id in volume.users:
                    node.needs.append(removals[case.name])


def _node(case: VolumeCase) -> Node:
    wanted = case.wanted
    return Node(
        Step(
            NO_PLACE,
            "create" if wanted else "remove",
            "",
            case.reason,
            settings=wanted.settings if wanted else {},
            mark=case.mark,
            volume=case.name,
            secrets=wanted.secrets if wanted else None,
        )
    )
