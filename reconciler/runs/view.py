"""One topology on one engine: what is there, and the plan that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..fast_dataclasses import dataclass, replace
from ..model import DesiredState, Journal, ObservedState
from ..safety import Policy
from .outcome import afterwards

if TYPE_CHECKING:
    from ..engine import Reader
    from ..lifetimes import Record
    from ..lock import Claim
    from ..lock.scope import Scope
    from ..observe import Answers
    from ..plan import Plan


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of an engine before any file was read: netplan's own volumes, then everything
    else.
    """

    volumes: list[dict[str, Any]]
    answers: Answers


def look_at(
    reader: Reader,
    states: Sequence[DesiredState],
    *,
    every_image: bool = False,
    own: Sequence[Mapping[str, Any]] | None = None,
    answers: Answers | None = None,
) -> ObservedState:
    """The state of the engine, now or as in `answers`, with the images that the files run.

    Registries are asked where the files say so. `own` are the volumes that netplan created: all
    others are listed only for files that declare volumes, and for a snapshot.
    """
    from ..observe import observe

    every = (container for state in states for container in state.containers.values())
    managed = [container for container in every if container.managed]
    asked = {container.image for container in managed if container.pull_policy == "always"}
    images = sorted({container.image for container in managed})
    volumes = every_image or any(state.volumes for state in states)
    return observe(
        reader,
        images=images,
        ask=sorted(asked),
        every_image=every_image,
        volumes=volumes,
        own=own,
        answers=answers,
    )


def _part(
    desired: DesiredState, observed: ObservedState, only: Collection[str]
) -> tuple[DesiredState, ObservedState]:
    """What a part is about; whatever else it touches is in its steps."""
    from ..planner import named_part

    part = named_part(desired, only)
    networks = tuple(network for network in observed.networks if network.name in part.networks)
    containers = tuple(one for one in observed.containers if one.name in part.containers)
    return part, replace(observed, networks=networks, containers=containers)


class View:
    """One topology on one engine: looks, and plans from what it sees; `sight` saves it a look. The
    fields hold what the last saw.
    """

    def __init__(
        self, desired: DesiredState, reader: Reader, policy: Policy, sight: Sight | None = None
    ) -> None:
        self.desired, self._reader, self.policy = desired, reader, policy
        self._sight = sight
        self.observed = ObservedState()
        self.journals: tuple[Journal, ...] = ()
        self.claims: list[Claim] = []
        self.written: tuple[Record, ...] = ()

    def look(self, policy: Policy | None = None) -> Plan:
        """Observe, and plan, under another policy than usual if one is given. Raises
        EngineError.
        """
        from ..lifetimes import records
        from ..lock import claims, own_volumes
        from ..lock.journal import journals
        from ..planner import plan

        sight, self._sight = self._sight, None
        volumes = sight.volumes if sight else own_volumes(self._reader)
        self.journals, self.claims, self.written = (
            journals(volumes),
            claims(volumes),
            records(volumes),
        )
        self.observed = look_at(
            self._reader,
            [self.desired],
            own=volumes,
            answers=sight.answers if sight else None,
        )
        return plan(self.desired, self.observed, self.journals, policy or self.policy)

    def look_afterwards(self) -> Plan:
        """The plan that is left when all is done: empty if the engine is as declared."""
        return self.look(afterwards(self.policy))

    def scope(self, plan: Plan) -> Scope:
        """What a run of a plan, made from what was just seen, may touch."""
        from ..lock.scope import EVERYTHING, scope_of

        if self.policy.wipe:
            return EVERYTHING
        desired, observed = self.desired, self.observed
        if self.policy.only:
            desired, observed = _part(desired, observed, self.policy.only)
        return scope_of(desired, observed, plan, self.journals)

    @property
    def own_journals(self) -> list[str]:
        """The journals that a proof of this topology makes superfluous."""
        return [
            journal.name for journal in self.journals if journal.topology == self.desired.topology
        ]

    @property
    def old_ttls(self) -> list[Record]:
        """What says when the topology expires, until this run says it."""
        return [record for record in self.written if record.topology == self.desired.topology]

    @property
    def leftovers(self) -> bool:
        """Whether a run that is gone left a journal of this topology, or a lock."""
        from ..lock.holder import gone

        return bool(self.own_journals) or any(gone(claim.holder) for claim in self.claims)

    @property
    def renews(self) -> bool:
        """Whether it is to be written anew when the topology expires, also where nothing else is to
        be done.
        """
        return self.desired.ttl is not None or bool(self.old_ttls)
