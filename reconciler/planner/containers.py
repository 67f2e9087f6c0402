"""What becomes of each container that the topology runs: kept, created, recreated, updated in
place, started or removed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from typing import Literal

from .. import safety
from ..marks import aside_name, made_mark
from ..model import (
    RESTARTING,
    DesiredContainer,
    DesiredState,
    EndpointMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedState,
)
from ..network_mode import read_mode
from ..ownership import ours
from ..plan import (
    CUT_OFF,
    LOSES_FILES,
    LOSES_VOLUMES,
    ContainerSpec,
    Difference,
    Drift,
    EndpointSpec,
    Refusal,
)
from ..records import dataclass, field
from ..safety import Policy
from .compare import remembers_mac
from .container_compare import as_shown, container_differences, in_place, short_image
from .networks import NetworkCase, Networks
from .swarm_use import is_hidden

Fate = Literal["keep", "create", "recreate", "update", "remove"]
_LEFTOVER = re.compile(r"(?P<name>.+)\.netplan-(?P<id>[0-9a-f]{12})\Z")
GONE = ("removing", "dead")
HALF = "is half attached to {}, which a failed connect left"
ENDED = "shares the network of {}, which is {}"


@dataclass(slots=True, eq=False)
class ContainerCase:
    """One container in scope. `spec` is what it is created with, where it is; `old_name` what the
    one that goes is called meanwhile.

    `renamed`: it has that name already, since an interrupted recreation. `on_overlay`: the one that
    goes is on a network of the swarm's, where no running container can be renamed. `start`: it runs
    afterwards and does not now, or not for long. `stop`: it must be stopped before, as it shares
    the network of one that starts anew. `strangers` are those that share its own, which goes, and
    that the topology does not run.
    """

    name: str
    fate: Fate = "keep"
    wanted: DesiredContainer | None = None
    observed: ObservedContainer | None = None
    spec: ContainerSpec | None = None
    renamed: bool = False
    on_overlay: bool = False
    start: bool = False
    stop: bool = False
    keep_volumes: bool = True
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    drift: bool = False
    notes: list[str] = field(default_factory=list)
    strangers: list[ObservedContainer] = field(default_factory=list)

    @property
    def comes(self) -> bool:
        """Whether a new container is made."""
        return self.fate in ("create", "recreate")

    @property
    def goes(self) -> bool:
        """Whether the observed container is removed."""
        return self.fate in ("recreate", "remove")

    @property
    def changes(self) -> bool:
        """Whether anything is done about the container itself."""
        return self.fate != "keep" or self.start

    @property
    def old_name(self) -> str:
        """What the container that is replaced is called until it goes."""
        assert self.observed is not None
        return aside_name(self.name, self.observed.id)


@dataclass(slots=True)
class Containers:
    """All cases by name (those that only go, and have another's name, by their own), and what was
    said about them.
    """

    cases: dict[str, ContainerCase] = field(default_factory=dict)
    others: dict[str, ObservedContainer] = field(default_factory=dict)
    """Containers by name that the topology declares and does not run."""
    pulls: dict[str, str] = field(default_factory=dict)
    """Images to be had first: reference -> why."""
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, container: ObservedContainer) -> ContainerCase | None:
        """The case of an observed container, if it is one that the topology runs."""
        if not self.cases:
            return None
        for name in (container.name, leftover_of(container)):
            case = self.cases.get(name)
            if case and case.observed and case.observed.id == container.id:
                return case
        return None


def decide_containers(
    desired: DesiredState, observed: ObservedState, networks: Networks, policy: Policy
) -> Containers:
    """A case for every container that the topology runs or ran."""
    return _Decider(desired, observed, networks, policy).run()


class _Decider:
    def __init__(
        self, desired: DesiredState, observed: ObservedState, networks: Networks, policy: Policy
    ) -> None:
        self.desired, self.observed, self.networks, self.policy = (
            desired,
            observed,
            networks,
            policy,
        )
        self.result = Containers()
        self.by_name = {c.name: c for c in observed.containers if c.state != "removing"}
        self.by_id = {c.id: c for c in observed.containers}
        self.swarm = {network.id for network in observed.networks if network.scope == "swarm"}
        managed = [wanted for wanted in desired.containers.values() if wanted.managed]
        self.followed = {wanted.image for wanted in managed if wanted.pull_policy == "always"}
        self.leftovers = {
            base: c for c in observed.containers if self._ours(c) and (base := leftover_of(c))
        }

    def run(self) -> Containers:
        for wanted in self.desired.containers.values():
            self._wanted(wanted, self.by_name.get(wanted.name))
        for container in self.observed.containers:
            unknown = self.result.of(container) is None and container.state != "removing"
            if self._ours(container) and unknown and not self.policy.keep_containers:
                self._undeclared(container)
        self._namespaces()
        while self._pulled_anew():
            self._namespaces()
        self._images()
        for case in self.result.cases.values():
            self._finish(case)
        return self.result

    def _ours(self, thing: ObservedContainer | ObservedEndpoint) -> bool:
        return ours(thing, self.desired.topology)

    # --- one container ---

    def _wanted(self, wanted: DesiredContainer, present: ObservedContainer | None) -> None:
        if wanted.managed and self.policy.keep_containers:
            self._left(wanted, present)
        elif wanted.managed:
            self._declared(wanted, present)
        elif present:
            self.result.others[wanted.name] = present

    def _declared(self, wanted: DesiredContainer, present: ObservedContainer | None) -> None:
        if present and not self._ours(present):
            self.result.refusals.append(safety.container_ownership(present, wanted))
            return
        case = self.result.cases[wanted.name] = ContainerCase(
            wanted.name, wanted=wanted, observed=present
        )
        if present is None:
            self._missing(case, wanted)
        else:
            self._compare(case, wanted, present)

    def _left(self, wanted: DesiredContainer, present: ObservedContainer | None) -> None:
        """Only its attachments matter; what else is wrong with it is told."""
        if present and self._ours(present):
            self.result.cases[wanted.name] = ContainerCase(
                wanted.name, wanted=wanted, observed=present
            )
            wrong = not_as_declared(wanted, present)
        else:
            wrong = "is not ours" if present else "does not exist"
        if wrong:
            self.result.notes.append(f"container {wanted.name} {wrong}; containers are left alone")

    def _missing(self, case: ContainerCase, wanted: DesiredContainer) -> None:
        if leftover := self.leftovers.get(wanted.name):
            case.observed, case.fate, case.renamed, case.start = leftover, "recreate", True, True
            case.reason = "its recreation was interrupted"
            self._drifted(case, case.reason)
            return
        case.fate, case.start, case.reason = "create", True, "declared, does not exist"

    def _compare(
        self, case: ContainerCase, wanted: DesiredContainer, present: ObservedContainer
    ) -> None:
        shown = as_shown(wanted, self.observed.engine)
        case.differences = container_differences(
            shown, present, self.observed.images, self.by_id, self.followed
        )
        if case.differences and all(map(in_place, case.differences)):
            case.fate, case.reason = "update", "is updated in place"
        elif case.differences:
            case.fate, case.reason = "recreate", "must be recreated"
        if reason := self._must_go(wanted, present):
            case.fate, case.reason = "recreate", reason
        changed = [d.path for d in case.differences if d.cause == "drift"]
        if changed:
            self._drifted(case, "changed: " + ", ".join(changed))
        if case.fate == "recreate":
            case.start = True
        elif why := not_as_declared(wanted, present):
            self._start(case, present, why)
        if case.fate == "keep":
            self._unsteady(case, present)

    def _start(self, case: ContainerCase, present: ObservedContainer, why: str) -> None:
        """It is not made anew, and does not run as it should."""
        case.start, case.stop, case.reason = True, present.live, case.reason or why
        if present.state != "created":  # what an apply could not start, nobody has changed
            self._drifted(case, why)

    def _drifted(self, case: ContainerCase, what: str) -> None:
        case.drift = True
        self.result.drift.append(Drift(f"container {case.name}", what))

    def _unsteady(self, case: ContainerCase, present: ObservedContainer) -> None:
        """Tells of a container that stays as it is, and does not run as it should."""
        if present.state == "paused":
            self.result.notes.append(f"container {case.name} is paused")
        elif present.state == RESTARTING:
            self.result.notes.append(
                f"container {case.name} ends again and again: exit code {present.exit_code}"
            )

    def _must_go(self, wanted: DesiredContainer, present: ObservedContainer) -> str:
        """Why a container must be made anew although its settings are as declared."""
        if self.policy.reset and self.policy.names(wanted.name):
            return "reset: made anew"
        if present.state in GONE:
            return f"is {present.state}"
        return self._lost_mode(present) or self._mac(wanted, present) or self._half(wanted, present)

    def _half(self, wanted: DesiredContainer, present: ObservedContainer) -> str:
        """An endpoint that only a start makes whole, and that would then not be as declared."""
        declared = {endpoint.network: endpoint.settings for endpoint in wanted.endpoints}
        for endpoint in present.endpoints:
            network = self.networks.cases.get(endpoint.network)
            as_made = (
                self._ours(endpoint)
                and endpoint.mark
                and endpoint.mark.declared == declared.get(endpoint.network)
            )
            if endpoint.half and not (as_made and not (network and network.goes)):
                return HALF.format(endpoint.network)
        return ""

    def _lost_mode(self, present: ObservedContainer) -> str:
        """The network that it was created on goes: it could be attached to no other, and not be
        started again.
        """
        mode = present.network_mode
        if read_mode(mode).kind != "network" or self.observed.engine.flavor != "docker":
            return ""
        for case in self._going:
            if case.observed and (how := safety.names_network(present, case.observed)):
                if case.fate == "replace" and how == "name":
                    return ""
                return f"was created on network {case.name}, which is {case.fate}d"
        if mode in self._network_keys or any(
            e.network == mode and is_hidden(e, self.observed.engine) for e in present.endpoints
        ):
            return ""
        return f"was created on network {mode[:64]}, which is gone"

    @cached_property
    def _going(self) -> list[NetworkCase]:
        return [case for case in self.networks.cases.values() if case.goes]

    @cached_property
    def _network_keys(self) -> set[str]:
        """Names and IDs of all networks that are there, and names of those that come."""
        there = {key for network in self.observed.networks for key in (network.name, network.id)}
        return there | {name for name, case in self.networks.cases.items() if case.comes}

    def _mac(self, wanted: DesiredContainer, present: ObservedContainer) -> str:
        """Before 29.3 Docker sets a MAC address only at creation, and forgets it with the
        network.
        """
        if self.observed.engine.heeds_mac:
            return ""
        for endpoint in wanted.endpoints:
            mac, network = (
                endpoint.settings.get("mac_address"),
                self.networks.cases.get(endpoint.network),
            )
            seen = present.endpoint(endpoint.network)
            dropped = (
                seen.mark.declared.get("mac_address")
                if seen and seen.mark and self._ours(seen)
                else None
            )
            there = seen if seen and not (seen.missing or seen.phantom) else None
            live = (
                (there.mac or there.settings.get("mac_address") or dropped) if there else None
            )  # of a stopped one its mark tells
            if mac is None and dropped and dropped == live:
                return f"no longer declares the MAC address {dropped} on {endpoint.network}"
            if mac is None or network is None:
                continue
            remembered = remembers_mac(present, endpoint.network, self.observed.engine)
            if not (remembered and present.mac == mac) and (live != mac or network.goes):
                return f"only a new container can have the MAC address {mac} on {endpoint.network}"
        return ""

    def _pulled_anew(self) -> bool:
        """An image that is missing is pulled for one container: it may be another than the one that
        others of that name still run.
        """
        missing = {
            case.wanted.image for case in self.result.cases.values() if case.wanted and case.comes
        } - set(self.observed.images)
        found = False
        for case in self.result.cases.values():
            if (
                case.wanted
                and case.observed
                and not case.comes
                and case.wanted.image in missing
                and not self.policy.keep_containers
            ):
                pulled = Difference(
                    "image",
                    short_image(case.observed.image_id),
                    f"{case.wanted.image} (pulled anew)",
                )
                case.differences = tuple(sorted((*case.differences, pulled), key=lambda d: d.path))
                case.fate, case.reason, case.start, case.stop, found = (
                    "recreate",
                    "must be recreated",
                    True,
                    False,
                    True,
                )
        return found

    def _images(self) -> None:
        """Which are pulled: those that are missing, where a container is made of them, and those of
        which the newest is declared.
        """
        for case in self.result.cases.values():
            wanted = case.wanted
            if wanted is None or self.policy.keep_containers:
                continue
            image = self.observed.images.get(wanted.image)
            if image is None and not case.comes:
                continue
            if refusal := safety.image(wanted, image):
                self.result.refusals.append(refusal)
            elif image is None:
                self.result.pulls[wanted.image] = "not on the engine"
            elif image.outdated and wanted.image in self.followed:
                self.result.pulls[wanted.image] = "the registry has a newer one"
            elif wanted.pull_policy == "always" and not image.asked:
                self.result.notes.append(
                    f"the registry of image {wanted.image} was not asked: apply asks it whether"
                    " there is a newer one"
                )

    def _undeclared(self, container: ObservedContainer) -> None:
        """Ours, and not declared to be run any more."""
        base = leftover_of(container)
        if (
            container.name in self.desired.containers
            and not self.desired.containers[container.name].managed
        ):
            self.result.notes.append(
                f"container {container.name} was made by netplan and is no longer run by it: left"
                " as it is"
            )
            return
        reason = "topology is destroyed" if self.policy.destroyed else "no longer declared"
        case = ContainerCase(
            container.name, "remove", observed=container, reason=reason, keep_volumes=False
        )
        if base and base in self.desired.containers:
            case.reason, case.keep_volumes, case.drift = (
                f"left by an interrupted recreation of {base}",
                True,
                True,
            )
        self.result.cases[container.name] = case

    # --- containers that share the network of another ---

    def _namespaces(self) -> None:
        """Who shares a namespace that goes is made anew; who shares one that starts anew is started
        anew; a stranger refuses both.
        """
        members: dict[str, list[ObservedContainer]] = defaultdict(list)
        for container in self.observed.containers:
            if container.shares:
                members[container.shares].append(container)
        queue = [case for case in self.result.cases.values() if case.goes or case.start]
        for case in queue:
            if case.observed is None:
                continue
            for member in members.get(case.observed.id, ()):
                if changed := self._member(case, member):
                    queue.append(changed)

    def _member(self, case: ContainerCase, member: ObservedContainer) -> ContainerCase | None:
        mine = self.result.of(member)
        if mine is None:
            if case.goes and member.state not in GONE and member not in case.strangers:
                self._stranger(case, member)
            return None
        if mine.goes:
            return None
        if case.goes:
            mine.fate, mine.start, mine.stop = "recreate", True, False
            mine.reason = ENDED.format(case.name, "made anew" if case.comes else "removed")
        elif member.live and not mine.start:
            mine.start, mine.stop = True, True
            mine.reason = mine.reason or ENDED.format(case.name, "started anew")
        else:
            return None
        return mine

    def _stranger(self, case: ContainerCase, member: ObservedContainer) -> None:
        case.strangers.append(member)
        if not self.policy.disrupt_foreign:
            self.result.refusals.append(
                safety.foreign_member(
                    case.name, member.name, "made anew" if case.comes else "removed"
                )
            )

    # --- what it is created with ---

    def _finish(self, case: ContainerCase) -> None:
        if self.policy.reset and self.policy.names(case.name):
            case.keep_volumes = False
        if case.observed and case.goes:
            case.on_overlay = any(
                endpoint.network_id in self.swarm for endpoint in case.observed.endpoints
            )
            self._notes(case, case.observed)
        if not case.comes:
            return
        assert case.wanted is not None
        case.spec = self._spec(case, case.wanted)

    def _notes(self, case: ContainerCase, old: ObservedContainer) -> None:
        case.notes.append(LOSES_FILES)
        if case.comes and case.on_overlay and old.live and not case.renamed:
            case.notes.append(
                "stopped before it is renamed: an engine renames no container that runs on an"
                " overlay network"
            )
        carried = carried_over(case, old)
        if carried or (old.anonymous and not case.keep_volumes):
            targets = ", ".join(sorted(carried or old.anonymous))
            case.notes.append(
                f"{'its anonymous volumes are carried over' if carried else LOSES_VOLUMES}:"
                f" {targets}"
            )
        if case.keep_volumes:
            successor = (
                self.by_name.get(leftover_of(old)) if not case.comes else None
            )  # of an interrupted reset, it has others
            held = {*carried.values(), *(successor.anonymous.values() if successor else ())}
            left = sorted(target for target, name in old.anonymous.items() if name not in held)
            case.notes += [
                f"its anonymous volume at {target} stays behind: {old.anonymous[target][:12]}"
                for target in left
            ]
        for name in sorted(member.name for member in case.strangers):
            case.notes.append(
                f"{name}, which is not run by this topology, shares its network: loses it, and must"
                " be made anew"
            )

    def _spec(self, case: ContainerCase, wanted: DesiredContainer) -> ContainerSpec:
        topology = self.desired.topology
        endpoints = tuple(
            EndpointSpec(e.network, e.settings, EndpointMark(topology, "made", e.settings))
            for e in wanted.endpoints
        )
        carried = carried_over(case, case.observed) if case.observed else {}
        mark = made_mark(topology, wanted, self.desired.origin)
        return ContainerSpec(
            wanted.settings, mark, wanted.mode, endpoints, wanted.environment, carried
        )


def carried_over(case: ContainerCase, old: ObservedContainer) -> dict[str, str]:
    """The anonymous volumes that a new container gets from the old one: all that the file has not
    dropped since, or made something else.
    """
    if not (case.comes and case.keep_volumes) or case.wanted is None:
        return {}
    recorded = old.mark.hashes if old.mark else {}
    found = {}
    for target, name in sorted(old.anonymous.items()):
        path = f"volumes.{target}"
        now = str(case.wanted.settings.get(path, "" if path in recorded else "volume:"))
        if now == "volume:" or now.startswith("volume::"):
            found[target] = name
    return found


def leftover_of(container: ObservedContainer) -> str:
    """The name of the container that this one was before an interrupted recreation renamed it;
    empty for any other.
    """
    match = _LEFTOVER.match(container.name)
    return match["name"] if match and container.id.startswith(match["id"]) else ""


def not_as_declared(wanted: DesiredContainer, present: ObservedContainer) -> str:
    """Why a container must be started, or started anew: in words; empty where it runs, or has ended
    as it should.
    """
    if present.severed:
        return CUT_OFF.format(wanted.shares)
    if half := [endpoint.network for endpoint in present.endpoints if endpoint.half]:
        return HALF.format(", ".join(half))
    if present.live:
        return ""
    if present.state == "created":
        return "was never started"
    if wanted.one_shot:
        return f"ended with exit code {present.exit_code}" if present.exit_code else ""
    return f"is not running: ended with exit code {present.exit_code}"
