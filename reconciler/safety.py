"""What a plan may not do, and what the user has consented to."""

from __future__ import annotations

from collections.abc import Sequence

from .fast_dataclasses import KW_ONLY, dataclass
from .model import (
    DesiredContainer,
    DesiredNetwork,
    DesiredState,
    ObservedContainer,
    ObservedImage,
    ObservedNetwork,
)
from .ownership import ours, owner
from .plan import Change, Refusal


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user allows beyond the file.

    `only` names networks and containers: with what they need, they are all that the plan is about
    (empty: everything is). `keep_going` leaves out what cannot be as declared, and what needs it,
    instead of refusing the whole plan.

    `adopt` names networks that may be taken over, `disrupt_foreign` allows interrupting endpoints
    not declared here. `destroyed` is the file whose topology is being destroyed: its `protect`
    still binds, and its endpoints are not foreign. `reset` makes the topology's containers anew,
    `exclusive` disconnects whoever is not declared from its networks, `keep_containers` leaves its
    containers as they are, `wipe` removes every container and network of the engine before, but for
    the containers in `spare` (IDs). `max_removals` bounds what a plan may take away for good or
    replace, None is no bound; `allow_empty` lets a file that declares nothing undo a living
    topology, `volumes` removes those of a topology that is destroyed, `replaces` names topologies
    of which the file may declare nothing that is on the engine. `protect` names networks that are
    neither removed nor replaced, whatever the file says.
    """

    adopt: frozenset[str] = frozenset()
    disrupt_foreign: bool = False
    destroyed: DesiredState | None = None
    _: KW_ONLY
    reset: bool = False
    exclusive: bool = False
    keep_containers: bool = False
    wipe: bool = False
    spare: frozenset[str] = frozenset()
    max_removals: int | None = None
    allow_empty: bool = False
    replaces: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    protect: frozenset[str] = frozenset()
    keep_going: bool = False
    volumes: bool = False

    def names(self, thing: str) -> bool:
        """Whether what is asked for beyond the declared state (`reset`, `exclusive`) is asked for
        of that network or container.
        """
        return not self.only or thing in self.only

    def consents(self, container: str, network: str) -> bool:
        """Whether the file being destroyed declares this endpoint."""
        declared = self.destroyed.containers.get(container) if self.destroyed else None
        return declared is not None and any(
            endpoint.network == network for endpoint in declared.endpoints
        )


def ownership(
    network: ObservedNetwork, topology: str, wanted: DesiredNetwork, policy: Policy
) -> Refusal | None:
    """Refuses a network of a declared name that is not this topology's, unless it is adopted."""
    if ours(network, topology) or network.name in policy.adopt:
        return None
    whose = (
        f"belongs to topology {owner(network)!r}"
        if network.mark
        else "exists and was not created by netplan"
    )
    return Refusal(
        f"network {network.name} {whose}",
        f"adopt it with --adopt {network.name} (it is replaced and keeps all endpoints), declare it"
        " external: true, " + other_name(owner(network)),
        source=wanted.source,
        about=(network.name, ""),
    )


def other_name(owner: str) -> str:
    """The last ways out of a name that is taken: the topology that has it may be this one, before
    its name was changed.
    """
    return "choose another name, " + renamed(owner) if owner else "or choose another name"


def renamed(owner: str) -> str:
    """The way out where `owner` is what this topology was called."""
    return (
        f"or, if {owner} is the old name of this topology, run netplan destroy --name {owner} first"
    )


_PROTECTED_BY_LABEL = (
    "remove it yourself (docker network rm {}), or netplan destroy a file that declares it without"
    " protect: true"
)


def protection(
    network: ObservedNetwork, wanted: DesiredNetwork | None, policy: Policy, verb: str
) -> Refusal | None:
    """Refuses to remove or replace a protected network. The file decides while it declares the
    network, its label otherwise.
    """
    if network.name in policy.protect:
        message = (
            f"network {network.name} is protected by the caller of netplan and would be {verb}"
        )
        return Refusal(
            message,
            "do not change it in the file, or remove it from the protect argument",
            about=(network.name, ""),
        )
    declared = wanted or (policy.destroyed.networks.get(network.name) if policy.destroyed else None)
    protected = declared.protect if declared else bool(network.mark and network.mark.protect)
    if not protected:
        return None
    return Refusal(
        f"network {network.name} is protected and would be {verb}",
        (
            "remove protect: true from the file first"
            if declared
            else _PROTECTED_BY_LABEL.format(network.name)
        ),
        source=declared.source if declared else None,
        about=(network.name, ""),
    )


def names_network(container: ObservedContainer, network: ObservedNetwork) -> str:
    """How a container's NetworkMode names this network: `name`, `id` or not at all (empty)."""
    mode = container.network_mode
    if mode == network.name:
        return "name"
    return "id" if len(mode) >= 12 and network.id.startswith(mode) else ""


def network_mode(
    container: ObservedContainer, network: ObservedNetwork, replaced: bool, by_id_breaks: bool
) -> Refusal | None:
    """Refuses to take away a network that a container was created on.

    Without it the container can neither be connected to another network nor restarted. A new
    network of the same name heals that, unless the container was created by the network's ID
    (`by_id_breaks`: engines since 23).
    """
    how = names_network(container, network)
    if not how or (replaced and (how == "name" or not by_id_breaks)):
        return None
    made = f"--network {network.name}" if how == "name" else f"the ID of network {network.name}"
    verb = "replaced" if replaced else "removed"
    return Refusal(
        f"network {network.name} cannot be {verb}: container {container.name} was created with"
        f" {made} and could not start again",
        f"remove container {container.name} or recreate it on another network"
        + (", or with the network's name" if how == "id" else ""),
        about=(network.name, ""),
    )


def foreign_endpoint(container: str, network: str, verb: str, owner: str | None) -> Refusal:
    """Refuses to interrupt an endpoint that this topology does not declare."""
    whose = f"declared by topology {owner!r}" if owner else "not declared here"
    what = "interrupted and reconnected as before" if verb == "replaced" else "disconnected"
    return Refusal(
        f"network {network} would be {verb} while container {container}, which is {whose}, uses it",
        f"allow it with --disrupt-foreign ({container} is {what}), or disconnect it first",
        about=(network, ""),
    )


def unattachable(container: str, network: str, mode: str, owner: str) -> Refusal:
    """Refuses to make a container anew in a mode that has no room for what another topology
    attached it to.
    """
    return Refusal(
        f"container {container} would be recreated with network_mode {mode}, and topology {owner!r}"
        f" attached it to network {network}",
        f"allow it with --disrupt-foreign (it loses {network}), or remove it from that topology"
        " first",
        about=("", container),
    )


def container_ownership(present: ObservedContainer, wanted: DesiredContainer) -> Refusal:
    """Refuses a container of a declared name that is not this topology's."""
    whose = (
        f"belongs to topology {owner(present)!r}"
        if present.mark
        else "exists and was not created by netplan"
    )
    if present.written_for:
        whose = (
            f"exists with the labels of container {present.written_for}: it was renamed or copied,"
            " so it is not managed"
        )
    way_out = (
        "remove or rename it, remove image from the file to manage only its attachments,"
        f" {other_name(owner(present))}"
    )
    return Refusal(
        f"container {wanted.name} {whose}", way_out, source=wanted.source, about=("", wanted.name)
    )


def foreign_member(container: str, member: str, what: str) -> Refusal:
    """Refuses to take a network namespace away from a container that this topology does not run."""
    return Refusal(
        f"container {container} would be {what}, and container {member}, which is not managed by"
        " this topology, shares its network",
        f"allow it with --disrupt-foreign ({member} loses its network and must be recreated), or"
        f" remove {member} first",
        about=("", container),
    )


def image(wanted: DesiredContainer, present: ObservedImage | None) -> Refusal | None:
    """Refuses where the image is known not to be had."""
    if present is None and wanted.pull_policy == "never":
        way_out = "load or build it, or remove pull_policy: never"
        message = f"container {wanted.name}: image {wanted.image} is not on the engine"
        return Refusal(message, way_out, False, wanted.source, ("", wanted.name))
    if present and present.unasked and wanted.pull_policy == "always":
        message = (
            f"container {wanted.name}: the registry does not tell whether image {wanted.image} is"
            f" up to date: {present.unasked}"
        )
        way_out = "use pull_policy: missing to run the image of this engine"
        return Refusal(message, way_out, False, wanted.source, ("", wanted.name))
    return None


# --- limits ---------------------------------------------------------------------------------------


def removals(changes: Sequence[Change]) -> int:
    """How many things are removed, replaced or disconnected for good."""
    return sum(
        "delete" in change.actions or change.actions == ("disconnect",) for change in changes
    )


def too_many(changes: Sequence[Change], policy: Policy) -> Refusal | None:
    """Refuses a plan that removes, replaces or disconnects for good more than `max_removals`
    things.
    """
    if policy.max_removals is None:
        return None
    count = removals(changes)
    if count <= policy.max_removals:
        return None
    message = (
        f"the plan removes, replaces or disconnects {count} object{'' if count == 1 else 's'}; the"
        f" limit is {policy.max_removals}"
    )
    return Refusal(message, f"check the plan, then allow it with --max-removals {count}")
