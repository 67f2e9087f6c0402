"""What a real engine does to containers that a topology runs; what it does to networks and
endpoints is in simulator.py.

Measured on Docker 20.10 and 28.5 and replayed by test_container_replay.py: `engine facts N` as
there, `replayed` was found while replaying. Programs are of two kinds: `true` ends at once with 0,
everything else runs until it is stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.marks import aside_name
from reconciler.model import (
    ALL_ENDPOINTS_API,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
)
from reconciler.plan import ContainerSpec, Step
from reconciler.planner.host_ports import host_ports, ports_meet
from reconciler.settings import Value

from .simulator import Engine, Violation

ENDS = ("true",)
"""The command of a container that ends at once."""
KILLED = 137
UNSHARED = ("none", "host")


class LabEngine(Engine):
    """An engine that runs containers. `lost` are the anonymous volumes that went, with what was in
    them.
    """

    def __init__(self, observed: ObservedState, automatic: Iterable[tuple[str, str]] = ()) -> None:
        self.lost: set[str] = set()
        self.images = {name: image for name, image in observed.images.items() if name != image.id}
        self.blobs = {image.id: image for image in observed.images.values()}
        self.volumes = {
            name for container in observed.containers for name in container.anonymous.values()
        }
        self._born: dict[str, str] = {}
        self._starts: dict[str, int] = {}
        self._joined_at = {
            container.id: -1 for container in observed.containers if container.severed
        }
        super().__init__(observed, automatic)

    @property
    def observed(self) -> ObservedState:
        inside = {
            c.image_id: self.blobs[c.image_id]
            for c in self.containers.values()
            if c.image_id in self.blobs
        }
        whole, lost = super().observed, self.severed()
        seen = tuple(
            replace(c, severed=c.mark is not None and c.id in lost) for c in whole.containers
        )
        return replace(whole, containers=seen, images=dict(sorted((self.images | inside).items())))

    def run(self, step: Step) -> None:
        if step.kind == "image":
            self.pull(step.image)
        elif step.kind == "container":
            self._run_container(step)
        else:
            super().run(step)

    def _run_container(self, step: Step) -> None:
        if step.op == "create":
            assert step.spec is not None
            self._born[step.container] = self.make(step.container, step.spec)
            return
        container = self._container(step)
        if container.name != step.container:
            raise Violation(f"{step.text}: it is called {container.name}")
        match step.op:
            case "rename":
                self.rename(container, step.name)
            case "update":
                self.containers[container.id] = replace(
                    container, settings={**container.settings, **step.settings}
                )
            case "start":
                self.start(container)
            case "stop":
                if not container.live:
                    raise Violation(f"{step.text}: does not run")
                self.stop(container)
            case "remove":
                self.delete(container, step.volumes)
            case "wait":
                self._wait(container, step)

    def _container(self, step: Step) -> ObservedContainer:
        container = self.containers.get(step.container_id or self._born.get(step.container, ""))
        if container is None:  # engine facts 3: missing container, 404
            raise Violation(
                f"{step.text}: no such container: {step.container_id or step.container}"
            )
        return container

    # --- one call each ----------------------------------------------------------------------------

    def pull(self, reference: str) -> None:
        """The registry has everything, and something new each time."""
        known = self.images.get(reference)
        fresh = ObservedImage(
            f"sha256:{self._new_id('image')}", known.settings if known else {}, "linux/amd64"
        )
        self.images[reference] = self.blobs[fresh.id] = fresh

    def make(self, name: str, spec: ContainerSpec) -> str:
        """`POST /containers/create`; returns the new ID."""
        what = f"create container {name}"
        self._check_name(what, name)
        image = self.images.get(str(spec.settings.get("image")))
        if image is None:  # replayed: 404
            raise Violation(f"{what}: no such image")
        if spec.endpoints and spec.mode != spec.endpoints[0].network:
            raise Violation(f"{what}: mode {spec.mode} is not the first of its networks")
        id = self._new_id("container")
        mode = self._resolved(what, spec.mode)
        settings: dict[str, Value] = {"restart": "no", "privileged": False, "publish_all": False}
        settings |= {
            **image.settings,
            **{f"volumes.{target}": "volume:" for target in spec.volumes},
            **spec.settings,
            "network_mode": mode,
        }
        implied = frozenset(filter(None, (id[:12], str(settings.get("hostname", "")))))
        container = ObservedContainer(
            id,
            name,
            "created",
            mode,
            (),
            implied,
            mark=spec.mark,
            settings=settings,
            image_id=image.id,
        )
        self.containers[id] = replace(
            container,
            endpoints=self._created_with(what, container, spec),
            anonymous=self._anonymous(what, container, spec),
        )
        return id

    def _resolved(self, what: str, mode: str) -> str:
        """engine facts 7: another container's name becomes its ID."""
        if not mode.startswith("container:"):
            return mode
        other = next(
            (
                c
                for c in self.containers.values()
                if mode.removeprefix("container:") in (c.name, c.id)
            ),
            None,
        )
        if other is None:
            raise Violation(f"{what}: no such container: {mode}")
        return f"container:{other.id}"

    def _created_with(
        self, what: str, container: ObservedContainer, spec: ContainerSpec
    ) -> tuple[ObservedEndpoint, ...]:
        """engine facts 6: all endpoints from API 1.44, before that the first."""
        if container.network_mode.startswith("container:"):
            return ()
        if not spec.endpoints:
            return (ObservedEndpoint(container.network_mode),)
        found = []
        for endpoint in (
            spec.endpoints if self.info.api >= ALL_ENDPOINTS_API else spec.endpoints[:1]
        ):
            network = next((n for n in self.networks.values() if n.name == endpoint.network), None)
            if network is None:  # engine facts 3: 201, and its start fails
                raise Violation(f"{what}: there is no network {endpoint.network}")
            self._check_settings(what, network, endpoint.settings)
            found.append(self._endpoint(network, container, endpoint.settings, endpoint.mark))
        return tuple(sorted(found, key=lambda e: e.network))

    def _anonymous(
        self, what: str, container: ObservedContainer, spec: ContainerSpec
    ) -> dict[str, str]:
        mounts = dict.fromkeys(spec.volumes, "volume:") | {
            path.removeprefix("volumes."): value
            for path, value in container.settings.items()
            if path.startswith("volumes.")
        }
        if gone := set(spec.volumes.values()) - self.volumes:
            raise Violation(f"{what}: {gone} is not there any more")
        targets = [target for target, value in mounts.items() if value == "volume:"]
        found = {
            target: spec.volumes.get(target) or self._new_id("volume") for target in sorted(targets)
        }
        self.volumes |= set(found.values())
        return found

    def rename(self, container: ObservedContainer, name: str) -> None:
        """`POST /containers/{id}/rename`. Marks name the container that they were written for:
        under another name they count no more.
        """
        self._check_name(f"rename {container.name}", name)
        renamed = replace(container, name=name)
        if name != aside_name(container.name, container.id) and container.name != aside_name(
            name, container.id
        ):
            renamed = replace(
                renamed,
                mark=None,
                endpoints=tuple(replace(endpoint, mark=None) for endpoint in renamed.endpoints),
            )
        self.containers[container.id] = renamed

    def _check_name(self, what: str, name: str) -> None:
        if any(container.name == name for container in self.containers.values()):  # replayed: 409
            raise Violation(f"{what}: the name {name} is in use")

    def start(self, container: ObservedContainer) -> None:
        """`POST /containers/{id}/start`: takes its addresses and host ports, or fails."""
        what = f"start {container.name}"
        if container.live:
            raise Violation(f"{what}: runs")
        owner = container.network_mode.removeprefix("container:")
        if (
            container.network_mode.startswith("container:") and owner not in self.containers
        ):  # engine facts 7: 404, on 28 500
            raise Violation(f"{what}: no such container: {owner}")
        ports = self._published(container)
        for other in self.containers.values():
            if other.live and any(
                ports_meet(one, two) for one in host_ports(ports) for two in host_ports(other.ports)
            ):
                raise Violation(
                    f"{what}: port is already allocated to {other.name}"
                )  # replayed: 500
        super().start(container)
        self._starts[container.id] = self._starts.get(container.id, 0) + 1
        self._joined_at[container.id] = self._starts.get(owner, 0)
        health = "starting" if container.settings.get("healthcheck.test") else ""
        started = replace(self.containers[container.id], ports=ports, exit_code=0, health=health)
        self.containers[container.id] = started
        if container.settings.get("command") == ENDS:
            self.end(started, 0)

    def _published(self, container: ObservedContainer) -> tuple[str, ...]:
        shared = any(endpoint.network not in UNSHARED for endpoint in container.endpoints)
        ports = container.settings.get("ports", ()) if shared else ()
        assert isinstance(ports, tuple)
        return tuple(sorted(port if port.count(":") else f"0.0.0.0:{port}" for port in ports))

    def _joined(
        self, endpoint: ObservedEndpoint, network: ObservedNetwork, addresses: tuple[str, ...]
    ) -> ObservedEndpoint:
        """engine facts 6: a MAC address given at creation is had from the start on."""
        joined = super()._joined(endpoint, network, addresses)
        return replace(joined, mac=str(endpoint.settings.get("mac_address", joined.mac)))

    def stop(self, container: ObservedContainer) -> None:
        """`POST /containers/{id}/stop`."""
        self.end(container, KILLED)

    def end(self, container: ObservedContainer, code: int) -> None:
        """Its program ends, by itself or not."""
        super().stop(container)
        self.containers[container.id] = replace(
            self.containers[container.id], ports=(), exit_code=code, health=""
        )

    def delete(self, container: ObservedContainer, volumes: bool) -> None:
        """`DELETE /containers/{id}`, with force; with `volumes` its anonymous ones go that no other
        container has.
        """
        del self.containers[container.id]
        used = {name for other in self.containers.values() for name in other.anonymous.values()}
        if volumes:
            gone = set(container.anonymous.values()) - used
            self.volumes -= gone
            self.lost |= gone

    def _wait(self, container: ObservedContainer, step: Step) -> None:
        if step.condition == "completed":
            if container.live or container.exit_code:
                raise Violation(f"{step.text}: never")
        elif not container.live:
            raise Violation(f"{step.text}: it does not run")
        elif step.condition == "healthy":
            if not container.settings.get("healthcheck.test"):
                raise Violation(f"{step.text}: has no healthcheck")
            self.containers[container.id] = replace(container, health="healthy")

    # --- what inspect tells by times alone --------------------------------------------------------

    def cut_off(self) -> Iterator[str]:
        """engine facts 7: who runs, and shares the network of a container that has been restarted
        since, has exited or is gone.
        """
        severed = self.severed()
        for container in self.containers.values():
            owner = self.containers.get(container.network_mode.removeprefix("container:"))
            alone = container.network_mode.startswith("container:") and not (owner and owner.live)
            if container.live and (alone or container.id in severed):
                yield container.name

    def severed(self) -> set[str]:
        """Those whose owner has been restarted since and runs."""
        found = set()
        for container in self.containers.values():
            id = container.network_mode.removeprefix("container:")
            owner = self.containers.get(id)
            if (
                container.live
                and owner
                and owner.live
                and self._starts.get(id, 0) != self._joined_at.get(container.id, 0)
            ):
                found.add(container.id)
        return found

    def _known_ids(self) -> Iterator[str]:
        yield from super()._known_ids()
        yield from self.volumes
        yield from (id.removeprefix("sha256:") for id in self.blobs)

    def _new_id(self, kind: str) -> str:
        """The first twelve characters of a container's ID are those of a hexadecimal number, as
        everywhere.
        """
        id = super()._new_id(kind)
        return id.rjust(len(id) + 2, "0") if kind == "container" else id


def simulate_lab(
    observed: ObservedState, steps: Iterable[Step], automatic: Iterable[tuple[str, str]] = ()
) -> LabEngine:
    """The engine after `steps`, in their order. Raises Violation."""
    engine = LabEngine(observed, automatic)
    for step in steps:
        engine.run(step)
    return engine
