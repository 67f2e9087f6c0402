"""The steps of networks, and the edges between them."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from ..model import ObservedState
from ..plan import NO_PLACE, Step
from ..settings import BRIDGE_NAME_OPTION, Settings, Value
from .decisions import NetworkCase, Networks
from .graph import Node
from .subnets import overlapping, subnets_of

_EXCLUSIVE_OPTIONS = (f"driver_opts.{BRIDGE_NAME_OPTION}", "driver_opts.parent")


class NetworkSteps:
    """Creations and removals, by name of the network."""

    def __init__(self, networks: Networks, observed: ObservedState) -> None:
        self.cases = networks.cases
        self.creates: dict[str, Node] = {}
        self.removes: dict[str, Node] = {}
        self.listed: dict[str, list[str]] = defaultdict(list)
        if going := {case.name for case in self.cases.values() if case.goes}:
            for container in observed.containers:
                for endpoint in container.endpoints:
                    if endpoint.network in going:
                        self.listed[endpoint.network].append(container.id)
        for case in self.cases.values():
            self._make(case)

    def _make(self, case: NetworkCase) -> None:
        if case.goes and case.observed:
            removal = Step(
                NO_PLACE,
                "remove",
                case.name,
                case.reason,
                network_id=case.observed.id,
                expects=tuple(sorted(self.listed[case.name])),
            )
            self.removes[case.name] = Node(removal)
        if case.comes:
            creation = Step(
                NO_PLACE, "create", case.name, case.reason, settings=case.target, mark=case.mark
            )
            self.creates[case.name] = Node(creation)

    def edges(self) -> None:
        """A network is removed before it is made again, and before another takes its subnet, bridge
        or parent.
        """
        for name, create in self.creates.items():
            if name in self.removes:
                create.needs.append(self.removes[name])
        self._subnet_edges()
        for option in _EXCLUSIVE_OPTIONS:
            self._option_edges(option)

    def _subnet_edges(self) -> None:
        tagged = [
            (subnet, f"-{name}")
            for name in self.removes
            for subnet in subnets_of(self._observed_settings(name))
        ]
        tagged += [
            (subnet, f"+{name}")
            for name, create in self.creates.items()
            for subnet in subnets_of(create.step.settings)
        ]
        for (_, one), (_, other) in overlapping(tagged):
            if one[0] != other[0]:
                gone, made = (one[1:], other[1:]) if one[0] == "-" else (other[1:], one[1:])
                if gone != made:
                    self.creates[made].needs.append(self.removes[gone])

    def _option_edges(self, option: str) -> None:
        holders: dict[Value | None, list[str]] = defaultdict(list)
        for name in self.removes:
            holders[self._observed_settings(name).get(option)].append(name)
        for name, create in self.creates.items():
            if option in create.step.settings:
                for holder in holders.get(create.step.settings[option], ()):
                    if holder != name:
                        create.needs.append(self.removes[holder])

    def _observed_settings(self, name: str) -> Settings:
        observed = self.cases[name].observed
        return observed.settings if observed else {}

    def automatic_last(self) -> None:
        """Networks with an IPv4 subnet of their own are made before those for which the engine
        chooses one.

        One chain through the former (the engine makes networks one at a time anyway), those that
        wait for a removal at its end.
        """
        creates = self.creates.values()
        automatic = [
            node
            for node in creates
            if "ipv4.subnet" not in node.step.settings
            and node.step.settings.get("enable_ipv4") is not False
        ]
        if not automatic:
            return
        explicit = [node for node in creates if "ipv4.subnet" in node.step.settings]
        explicit.sort(key=lambda node: (bool(node.needs), node.step.network))
        for earlier, later in pairwise(explicit):
            later.follows.append(earlier)
        for node in automatic:
            node.follows.extend(explicit[-1:])

    def waited_for(self, removal: Node) -> bool:
        """Whether a network is made only after this one is gone."""
        return any(removal in create.needs for create in self.creates.values())
