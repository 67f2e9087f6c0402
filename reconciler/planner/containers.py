"""What becomes of each container that the topology runs: kept, created, recreated, updated in
place, started or removed.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from .. import safety
from ..model import (
    RESTARTING,
    DesiredContainer,
    DesiredState,
    ObservedContainer,
    ObservedEndpoint,
    ObservedState,
)
from ..network_mode import NAMESPACES, cut_off, read_mode, sharing
from ..ownership import ours
from ..plan import Difference, Drift
from ..safety import Policy
from .compare import remembers_mac
from .container_compare import as_shown, container_differences, in_place, short_image
from .container_specs import finish
from .decisions import ContainerCase, Containers, NetworkCase, Networks, leftover_of
from .swarm_use import is_hidden

GONE = ("removing", "dead")
HALF = "is only partly attached to {}, because a connect failed"
ENDED = "shares the {} of {}, which is {}"


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
        finish(self.result, self.desired, self.observed, self.policy)
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
            wrong = "is not managed by this topology" if present else "does not exist"
        if wrong:
            self.result.notes.append(f"container {wanted.name} {wrong}; containers are not changed")

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
        """It is not recreated, and does not run as it should."""
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
                f"container {case.name} keeps restarting: exit code {present.exit_code}"
            )

    def _must_go(self, wanted: DesiredContainer, present: ObservedContainer) -> str:
        """Why a container must be recreated although its settings are as declared."""
        if self.policy.reset and self.policy.names(wanted.name):
            return "reset: recreated"
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
        return f"was created on network {mode[:64]}, which no longer exists"

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
                return (
                    f"the file no longer declares the MAC address {dropped} on {endpoint.network}"
                )
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
                    f"{case.wanted.image} (pulled again)",
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
                self.result.pulls[wanted.image] = "the registry has a newer image"
            elif wanted.pull_policy == "always" and not image.asked:
                self.result.notes.append(
                    f"the registry of image {wanted.image} was not queried: apply checks for a"
                    " newer image"
                )

    def _undeclared(self, container: ObservedContainer) -> None:
        """Ours, and not declared to be run any more."""
        base = leftover_of(container)
        if (
            container.name in self.desired.containers
            and not self.desired.containers[container.name].managed
        ):
            self.result.notes.append(
                f"container {container.name} was created by netplan and is no longer managed by it:"
                " not changed"
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
        """Who shares a namespace that goes is recreated; who shares one that starts anew is started
        anew; a stranger refuses both.
        """
        members: dict[str, list[ObservedContainer]] = defaultdict(list)
        for container in self.observed.containers:
            for id in container.joins:
                members[id].append(container)
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
        what = shared_of(member, case.observed.id if case.observed else "")
        if case.goes:
            mine.fate, mine.start, mine.stop = "recreate", True, False
            mine.reason = ENDED.format(what, case.name, "recreated" if case.comes else "removed")
        elif member.live and not mine.start:
            mine.start, mine.stop = True, True
            mine.reason = mine.reason or ENDED.format(what, case.name, "restarted")
        else:
            return None
        return mine

    def _stranger(self, case: ContainerCase, member: ObservedContainer) -> None:
        case.strangers.append(member)
        if not self.policy.disrupt_foreign:
            self.result.refusals.append(
                safety.foreign_member(
                    case.name, member.name, "recreated" if case.comes else "removed"
                )
            )


def shared_of(member: ObservedContainer, owner: str) -> str:
    """What a container shares of the one with that ID, in words."""
    shared = sharing(member.network_mode, member.settings)
    return next((NAMESPACES[key] for key, id in shared.items() if id == owner), "network")


def not_as_declared(wanted: DesiredContainer, present: ObservedContainer) -> str:
    """Why a container must be started, or restarted: in words; empty where it runs, or has ended
    as it should.
    """
    if present.severed:
        return cut_off(sharing(wanted.mode, wanted.settings))
    if half := [endpoint.network for endpoint in present.endpoints if endpoint.half]:
        return HALF.format(", ".join(half))
    if present.live:
        return ""
    if present.state == "created":
        return "was never started"
    if wanted.one_shot:
        return f"exited with code {present.exit_code}" if present.exit_code else ""
    return f"is not running: exited with code {present.exit_code}"
