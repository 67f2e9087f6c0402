"""Random pairs of a file that runs containers and an engine on which an earlier file, other people
and accidents have been.

An observed state is what the simulator makes of: some networks and foreign containers; an earlier
file, carried out whole or in part (a crash); what then happened by hand. The desired state is
written against it: the same names, often the same settings.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.marks import secret_digest
from reconciler.model import (
    PREDEFINED,
    Condition,
    Dependency,
    DesiredContainer,
    DesiredEndpoint,
    DesiredState,
    EndpointMark,
    EngineInfo,
    ObservedContainer,
    ObservedImage,
    ObservedState,
    Secrets,
)
from reconciler.planner import Policy, plan
from reconciler.planner.host_ports import host_ports, ports_meet
from reconciler.settings import Value, settings_pools

from .choices import OTHER, OURS, Choose, Space, endpoint_settings
from .history import Call, History
from .lab import ENDS, LabEngine
from .strategies import ENGINES, HERE, File


@dataclass(frozen=True)
class LabSpace(Space):
    """What labs are made of, beside networks: names of strangers' containers, images, the program
    that runs, host ports.
    """

    containers: tuple[str, ...] = ("w", "x", "y", "z")
    modes: tuple[str, ...] = ("bridge", "default", "none", "host", "name", "name")
    foreign: tuple[str, ...] = ("f1", "f2")
    images: tuple[str, ...] = ("img:1", "img:2")
    program: tuple[str, ...] = ("sleep", "9")
    ports: tuple[str, ...] = (
        "8080->80/tcp",
        "127.0.0.1:8080->80/tcp",
        "8081->81/tcp",
        "8080->80/udp",
        "[::1]:8081->81/tcp",
    )
    restarts: tuple[str, ...] = ("no", "on-failure")
    registry: bool = True
    """Whether images come, move and go."""


LAB = LabSpace()


@dataclass(frozen=True)
class Case:
    """One question to the planner, and how its observed state came about: calls, the earlier file
    and its policy, more calls.
    """

    desired: DesiredState
    observed: ObservedState
    policy: Policy
    before: tuple[Call, ...] = field(default=(), repr=False)
    earlier: DesiredState | None = field(default=None, repr=False)
    whole: bool = field(default=True, repr=False)
    after: tuple[Call, ...] = field(default=(), repr=False)


def seeded(seed: int, space: LabSpace = LAB, engine: EngineInfo | None = None) -> Case:
    """The case of a number."""
    choose = Choose(random.Random(seed).randrange)
    past = Past(choose, space, engine or choose.one(ENGINES[:2]))
    past.happen()
    observed = past.engine.observed
    desired = LabFile(choose, space, observed, past.earlier).write()
    return Case(
        desired,
        observed,
        _policy(choose, desired, observed),
        past.before,
        past.earlier,
        past.whole,
        tuple(past.calls),
    )


def _policy(choose: Choose, desired: DesiredState, observed: ObservedState) -> Policy:
    strange = {n.name for n in observed.networks if not (n.mark and n.mark.topology == OURS)}
    adopt = frozenset(
        name for name in sorted(desired.networks) if name in strange and choose.chance(70)
    )
    plain = Policy(adopt, disrupt_foreign=choose.chance(60), allow_empty=True)
    match choose.one(("apply", "apply", "apply", "apply", "reset", "keep", "wipe", "destroy")):
        case "reset":
            return replace(plain, reset=True, exclusive=True)
        case "keep":
            return replace(plain, exclusive=True, keep_containers=True)
        case "wipe":
            spare = choose.some(
                [c.id for c in observed.containers if not c.network_mode.startswith("container:")],
                15,
            )
            return replace(plain, reset=True, exclusive=True, wipe=True, spare=frozenset(spare))
        case "destroy":
            return replace(plain, destroyed=desired)
    return plain


# --- the file -------------------------------------------------------------------------------------


class LabFile(File):
    """Writes a file that runs containers. `earlier` is the one before it, of which much stays."""

    space: LabSpace

    def __init__(
        self,
        choose: Choose,
        space: LabSpace,
        observed: ObservedState,
        earlier: DesiredState | None = None,
    ) -> None:
        super().__init__(choose, space, observed)
        self.earlier = earlier or DesiredState(OURS)
        self.ports: list[str] = []
        self.written: dict[str, DesiredContainer] = {}

    def write(self) -> DesiredState:
        if self.choose.chance(4):
            return DesiredState(OURS)
        for name in self.choose.some(self.space.networks, 75):
            before = self.earlier.networks.get(name)
            if before and self.choose.chance(60):
                before = replace(before, settings=self._without_overlap(before.settings))
                self.taken += [
                    str(subnet)
                    for family in ("ipv4", "ipv6")
                    for subnet in _tuple(before.settings.get(f"{family}.subnet"))
                ]
            self.networks[name] = (
                before if before and self.choose.chance(95) else self._network(name)
            )
        names = list(self.space.containers)
        if self.choose.chance(50):
            names.reverse()
        for name in self.choose.some(names, 80):
            self._write(name)
        return DesiredState(OURS, self.networks, self.written)

    def _write(self, name: str) -> None:
        present = next((c for c in self.observed.containers if c.name == name), None)
        before = self.earlier.containers.get(name)
        stranger = present is not None and present.mark is None
        if self.choose.chance(90 if stranger else 4):
            if found := self._container(name):
                self.written[name] = found
        else:
            self.written[name] = self._managed(
                name, before if before and before.managed else None, present
            )

    def _managed(
        self, name: str, before: DesiredContainer | None, present: ObservedContainer | None
    ) -> DesiredContainer:
        same = before is not None and self.choose.chance(70)
        shot = before.one_shot if before and same else self.choose.chance(12)
        settings = dict(before.settings) if before and same else self._settings(shot)
        environment = dict(before.environment) if before and same else self._environment()
        mode = self._mode(settings.pop("network_mode", None), same)
        if same and self.choose.chance(45):
            self._nudge(settings)
        if mode:
            settings["network_mode"] = mode
        if mode in ("", "bridge"):
            settings |= self._ports(settings.pop("ports", None), same)
        elif mode.startswith("container:"):
            settings = {
                path: value for path, value in settings.items() if path not in ("hostname", "ports")
            }
        settings = {p: v for p, v in settings.items() if not p.startswith("environment.")} | {
            f"environment.{key}": secret_digest(key, value) for key, value in environment.items()
        }
        networks = (
            []
            if mode
            else [
                network
                for network in self.networks
                if self.choose.chance(self._likely(network, before, same))
            ]
        )
        endpoints = tuple(self._again(network, before, present) for network in networks)
        if mode == "bridge" or (
            not mode and not networks and self.choose.chance(80)
        ):  # otherwise `networks: []`
            endpoints = (DesiredEndpoint("bridge", HERE),)
        return DesiredContainer(
            name,
            HERE,
            endpoints,
            False,
            True,
            settings,
            Secrets(environment),
            self._depends(),
            shot,
            "always" if self.choose.chance(20) else "missing",
        )

    def _likely(self, network: str, before: DesiredContainer | None, same: bool) -> int:
        if before is None or not same:
            return 55
        return 92 if any(endpoint.network == network for endpoint in before.endpoints) else 12

    def _again(
        self, network: str, before: DesiredContainer | None, present: ObservedContainer | None
    ) -> Any:
        old = next((e for e in before.endpoints if e.network == network), None) if before else None
        if old is None or self.choose.chance(35):
            return self._endpoint(network, present)
        return replace(old, settings=self._allowed(self.networks[network], old.settings))

    def _settings(self, shot: bool) -> dict[str, Value]:
        choose = self.choose
        settings: dict[str, Value] = {
            "image": choose.one(self.space.images),
            "command": ENDS if shot else self.space.program,
        }
        optional: dict[str, tuple[Value, ...]] = {
            "labels.l": ("1", "2"),
            "restart": ("no",) if shot else self.space.restarts,
            "mem_limit": (1 << 23, 1 << 24),
            "hostname": ("host",),
            "stop_grace_period": (0, 3),
            "volumes./d": ("volume:", "volume:", "volume:named"),
        }
        if not shot and choose.chance(25):
            settings |= {"healthcheck.test": ("CMD", "true"), "healthcheck.interval": 200_000_000}
        return settings | {
            path: choose.one(values) for path, values in optional.items() if choose.chance(25)
        }

    def _nudge(self, settings: dict[str, Value]) -> None:
        """One thing that somebody changes in a file."""
        changes: dict[str, tuple[Value, ...]] = {
            "labels.l": ("1", "2"),
            "mem_limit": (1 << 23, 1 << 24),
            "restart": self.space.restarts,
            "image": self.space.images,
            "volumes./d": ("volume:", "volume:named"),
            "stop_grace_period": (0, 3),
        }
        path = self.choose.one((*sorted(changes), "mem_limit", "mem_limit", "restart"))
        if path in settings and path != "image" and self.choose.chance(30):
            del settings[path]
        else:
            settings[path] = self.choose.one(changes[path])

    def _environment(self) -> dict[str, str]:
        return {
            key: self.choose.one(("hunter2", "s3cr3t-two"))
            for key in self.choose.some(("A", "B"), 25)
        }

    def _mode(self, before: Value | None, same: bool) -> str:
        """The network mode, or nothing for networks."""
        mode = (
            str(before or "")
            if same and self.choose.chance(85)
            else self.choose.one(("", "", "", "", "bridge", "host", "none", "of", "of"))
        )
        if mode != "of" and not mode.startswith("container:"):
            return mode
        modes = {
            name: str(c.settings.get("network_mode", ""))
            for name, c in self.written.items()
            if not c.one_shot and c.managed
        }
        others = [name for name, mode in modes.items() if not mode.startswith("container:")]
        others += [
            c.name
            for c in self.observed.containers
            if c.mark is None and c.name in self.space.foreign
        ]
        wanted = mode.removeprefix("container:")
        return (
            f"container:{wanted if wanted in others else self.choose.one(others)}" if others else ""
        )

    def _ports(self, before: Value | None, same: bool) -> dict[str, Value]:
        wanted = (
            _tuple(before) if before and same else tuple(self.choose.some(self.space.ports, 14))
        )
        free = [
            p
            for p in wanted
            if not any(
                ports_meet(a, b) for a in host_ports((p,)) for b in host_ports(tuple(self.ports))
            )
        ]
        kept: list[str] = []
        for port in free:
            if not any(
                ports_meet(a, b) for a in host_ports((port,)) for b in host_ports(tuple(kept))
            ):
                kept.append(port)
        self.ports += kept
        return {"ports": tuple(sorted(kept))} if kept else {}

    def _depends(self) -> tuple[Dependency, ...]:
        found = []
        for name, other in self.written.items():
            if self.choose.chance(22):
                conditions: list[Condition] = ["started"]
                conditions += ["completed"] if other.one_shot else []
                conditions += ["healthy"] if "healthcheck.test" in other.settings else []
                found.append(
                    Dependency(
                        name, conditions[-1] if other.one_shot else self.choose.one(conditions)
                    )
                )
        return tuple(found)


def _tuple(value: Value | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


# --- what happened --------------------------------------------------------------------------------


class Past(History):
    """An engine's past. `before` are the calls until the earlier file, `calls` those since."""

    engine: LabEngine
    space: LabSpace

    def __init__(self, choose: Choose, space: LabSpace, info: EngineInfo) -> None:
        super().__init__(choose, space, info)
        self.engine = LabEngine(replace(self.engine.observed, images=_images(choose, space)))
        self.before: tuple[Call, ...] = ()
        self.earlier: DesiredState | None = None
        self.whole = True

    def happen(self) -> None:
        for name in self.choose.some(self.space.networks, 45):
            self._create(name)
        for name in self.choose.some(self.space.foreign, 50) + self.choose.some(
            self.space.containers, 4
        ):
            self._run(name)
        for _ in range(self.choose.one(range(4))):
            self._something()
        self.before, self.calls = tuple(self.calls), []
        if self.choose.chance(88):
            self._apply()
        for _ in range(self.choose.one(range(7))):
            self.choose.one(
                (
                    self._something,
                    self._something,
                    self._ends,
                    self._starts,
                    self._anew,
                    self._gone,
                    self._renamed,
                    self._moved,
                    self._joins,
                    self._attached,
                    self._attached,
                )
            )()

    def _apply(self) -> None:
        """The earlier file; one in six runs of it is cut off."""
        earlier = LabFile(self.choose, self.space, self.engine.observed).write()
        adopt = frozenset(earlier.networks)
        made = plan(
            earlier,
            self.engine.observed,
            None,
            Policy(adopt, disrupt_foreign=True, allow_empty=True),
        )
        if not made.applyable:
            return
        self.earlier = earlier
        self.whole = not self.choose.chance(16)
        for step in (
            made.steps if self.whole else made.steps[: self.choose.one(range(len(made.steps) + 1))]
        ):
            self.engine.run(step)

    def _ours(self) -> list[ObservedContainer]:
        return [container for container in self.engine.containers.values() if container.mark]

    def _one_of_ours(self) -> ObservedContainer | None:
        ours = self._ours()
        return self.choose.one(ours) if ours else None

    def _ends(self) -> None:
        container = self._one_of_ours()
        if container and container.state == "running":
            code = self.choose.one((3, 0, 137))
            self._do(
                Call("end", container=container.name, mode=str(code)),
                lambda: self.engine.end(container, code),
            )

    def _starts(self) -> None:
        container = self._one_of_ours()
        if container and not container.live:
            self._do(Call("start", container=container.name), lambda: self.engine.start(container))

    def _anew(self) -> None:
        """One that others share the network of, if there is any, ends and is started again: they
        are cut off.
        """
        owners = {
            container.network_mode.removeprefix("container:")
            for container in self.engine.containers.values()
        }
        container = next(
            (
                container
                for container in self._ours()
                if container.id in owners and container.state == "running"
            ),
            None,
        )
        if container:
            self._do(
                Call("end", container=container.name, mode="3"),
                lambda: self.engine.end(container, 3),
            )
            ended = self.engine.containers[container.id]
            self._do(Call("start", container=container.name), lambda: self.engine.start(ended))

    def _gone(self) -> None:
        container = self._one_of_ours()
        if container and self.choose.chance(50):
            self._do(
                Call("delete", container=container.name),
                lambda: self.engine.delete(container, False),
            )

    def _renamed(self) -> None:
        container = self._one_of_ours()
        if container and self.choose.chance(50):
            name = self.choose.one(
                (f"{container.name}-moved", f"{container.name}.netplan-{container.id[:12]}")
            )
            self._do(
                Call("rename", container=container.name, mode=name),
                lambda: self.engine.rename(container, name),
            )

    def _moved(self) -> None:
        """An image is built anew under its name, taken away, or the registry has a newer one."""
        name = self.choose.one(self.space.images)
        image = self.engine.images.get(name)
        match self.choose.one(("built", "newer", "gone")) if self.space.registry else "":
            case "built":
                self.engine.pull(name)
            case "newer" if image:
                self.engine.images[name] = replace(image, outdated=True)
            case "gone" if image and self.choose.chance(30):
                del self.engine.images[name]

    def _attached(self) -> None:
        """Another topology attaches one of ours to a network."""
        container, networks = (
            self._one_of_ours(),
            [n for n in self.engine.networks.values() if n.name not in PREDEFINED],
        )
        if container is None or not networks:
            return
        network = self.choose.one(networks)
        settings = endpoint_settings(self.choose, settings_pools(network.settings), ())
        if self.engine.info.api < (1, 48):
            settings.pop("gw_priority", None)
        mark = EndpointMark(OTHER, "made", settings)
        call = Call("connect", network.name, container.name, settings=settings, mark=mark)
        self._do(call, lambda: self.engine.connect(network, container, settings, mark))

    def _joins(self) -> None:
        """A stranger shares the network of one of ours."""
        container = self._one_of_ours()
        if (
            container
            and container.live
            and not container.network_mode.startswith("container:")
            and self.choose.chance(40)
        ):
            name = f"g-{container.name}"
            if any(other.name == name for other in self.engine.containers.values()):
                return
            stranger = self.engine.create_container(name, f"container:{container.id}")
            self.calls.append(Call("run", container.name, name, "container"))
            self._do(Call("start", container=name), lambda: self.engine.start(stranger))


def _images(choose: Choose, space: LabSpace) -> dict[str, ObservedImage]:
    """The first has a volume and a variable, the second a label."""
    said: tuple[dict[str, Value], ...] = (
        {"environment.PATH": "0" * 12, "volumes./data": "volume:"},
        {"labels.l": "0"},
    )
    known = {
        name: ObservedImage(f"sha256:{number:010d}-image", {"command": ("sh",), **settings})
        for number, (name, settings) in enumerate(zip(space.images, said, strict=True), 1)
    }
    return {name: image for name, image in known.items() if not space.registry or choose.chance(92)}
