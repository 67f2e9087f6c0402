"""A declared container against the observed one: which settings differ, why, and which can change
in place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ..fast_dataclasses import replace
from ..marks import ATTACHED, CHANGED, digest
from ..model import DesiredContainer, EngineInfo, ObservedContainer, ObservedImage
from ..network_mode import NAMESPACES
from ..plan import Cause, Difference
from ..settings import Settings, Value
from ..settings.container_defaults import CONTAINER, DEFAULTS, value_of, without_added_options
from ..settings.ports import read_port

_IN_PLACE = frozenset(row.path for row in CONTAINER if row.change == "update")
_OF_IMAGE = frozenset(row.key for row in CONTAINER if row.image and row.default is None)
"""Keys of what only its image can tell where the file says nothing."""


def in_place(difference: Difference) -> bool:
    """Whether an engine changes it on a living container. A limit cannot be taken away from one."""
    return difference.path in _IN_PLACE and difference.after not in (None, 0, "0")


def as_shown(wanted: DesiredContainer, engine: EngineInfo) -> DesiredContainer:
    """It as the engine would show it: without the security option that it adds by itself; of a port
    on every address Podman tells that of IPv4.
    """
    settings = without_added_options(wanted.settings)
    if settings is not wanted.settings:
        wanted = replace(wanted, settings=settings)
    if engine.flavor != "podman" or "ports" not in wanted.settings:
        return wanted
    found = map(read_port, _ports(wanted.settings["ports"]))
    ports = tuple(
        sorted(str(port if port.address else replace(port, address="0.0.0.0")) for port in found)
    )
    return replace(wanted, settings={**wanted.settings, "ports": ports})


def container_differences(
    wanted: DesiredContainer,
    observed: ObservedContainer,
    images: Mapping[str, ObservedImage],
    by_id: Mapping[str, ObservedContainer],
    followed: Collection[str] = (),
) -> tuple[Difference, ...]:
    """What keeps a container from being as declared; sorted by path.

    `images` and `by_id` are those of the engine, `followed` the images of which the newest is
    pulled.
    """
    recorded = observed.mark.hashes if observed.mark else {}
    found = []
    for path, value in wanted.settings.items():
        if not (
            path == "platform"
            and _same_platform(str(value), observed, images.get(observed.image_id))
        ):
            actual = _actual(path, observed, by_id)
            if actual != value and not (
                path == "expose"
                and _exposed(value, observed, images.get(observed.image_id), path in recorded)
            ):
                cause: Cause = (
                    "drift" if recorded.get(path) in (digest(value), CHANGED) else "intent"
                )
                found.append(Difference(path, actual, value, cause))
    if not any(d.path == "image" for d in found):
        found += _image_moved(wanted, observed, images, followed)
    image = images.get(observed.image_id)
    for path, note in _undeclared(wanted, recorded):
        default = _default(path, wanted.settings, observed, image)
        actual = _actual(path, observed, by_id)
        if actual != default and not (path == "expose" and _exposed((), observed, image, True)):
            found.append(Difference(path, actual, default, "dropped", note))
    if not any(d.path == "network_mode" for d in found) and (mode := _wrong_kind(wanted, observed)):
        found.append(mode)
    return tuple(sorted(found, key=lambda d: d.path))


def _undeclared(wanted: DesiredContainer, recorded: Collection[str]) -> Iterator[tuple[str, str]]:
    """What must be as the engine has it by itself, and why where it is not that the file said it
    once.

    What was changed in place since the creation is not recorded: of those settings none is left to
    others.
    """
    for path in recorded:
        if path not in wanted.settings and not path.startswith(ATTACHED):
            yield path, ""
    for path in _IN_PLACE - {*recorded, *wanted.settings}:
        yield path, "not declared"


def _actual(
    path: str, observed: ObservedContainer, by_id: Mapping[str, ObservedContainer]
) -> Value | None:
    if path == "network_mode":
        return mode_by_name(observed.network_mode, by_id)
    if path == "platform":
        return None
    actual = value_of(observed.settings, path)
    return mode_by_name(str(actual), by_id) if path in NAMESPACES and actual else actual


def _exposed(
    declared: Value, observed: ObservedContainer, image: ObservedImage | None, recorded: bool
) -> bool:
    """Whether the ports are exposed that are declared, beside those that are published and those of
    the image; no more where we said so.
    """
    ports = {
        f"{port.inside}/{port.protocol}"
        for port in map(read_port, _ports(observed.settings.get("ports")))
    }
    actual, wanted = {*_ports(observed.settings.get("expose"))}, {*_ports(declared)}
    of_image = {*_ports(image.settings.get("expose"))} if image else set()
    more = actual - wanted - of_image if recorded else set()
    return wanted <= actual | ports and not more


def _ports(value: Value | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def mode_by_name(mode: str, by_id: Mapping[str, ObservedContainer]) -> str:
    """The engine's network mode in the file's words: containers by name, where there still is
    one.
    """
    if mode.startswith("container:"):
        other = by_id.get(mode.removeprefix("container:"))
        return f"container:{other.name}" if other else mode
    return "bridge" if mode == "default" else mode


def _default(
    path: str, declared: Settings, observed: ObservedContainer, image: ObservedImage | None
) -> Value | None:
    """What a container would have without this setting; where its image is gone, what it has."""
    if path == "network_mode":
        return None
    if path == "hostname":
        return observed.id[:12]
    if path == "command" and declared.get("entrypoint"):
        return ()
    if image is None and path not in DEFAULTS and path.partition(".")[0] in _OF_IMAGE:
        return observed.settings.get(path)
    return (image.settings if image else {}).get(path, DEFAULTS.get(path))


def _same_platform(declared: str, observed: ObservedContainer, image: ObservedImage | None) -> bool:
    """`linux/arm` is any of its variants; an image that is gone cannot tell, and of one for several
    platforms only the container can.
    """
    platform = str(observed.settings.get("platform", "")) or (image.platform if image else "")
    return not platform or f"{platform}/".startswith(f"{declared}/")


def _image_moved(
    wanted: DesiredContainer,
    observed: ObservedContainer,
    images: Mapping[str, ObservedImage],
    followed: Collection[str],
) -> list[Difference]:
    """The name means another image now: one that was built or pulled since, or that the registry
    has.
    """
    image = images.get(wanted.image)
    if image is None:
        return []
    if image.outdated and wanted.image in followed:
        return [Difference("image", wanted.image, f"{wanted.image} (newer image)")]
    if image.id == observed.image_id or not observed.image_id:
        return []
    return [
        Difference(
            "image", short_image(observed.image_id), f"{wanted.image} ({short_image(image.id)})"
        )
    ]


def short_image(id: str) -> str:
    """`sha256:0123456789ab...` -> `0123456789ab`."""
    return id.removeprefix("sha256:")[:12]


def _wrong_kind(wanted: DesiredContainer, observed: ObservedContainer) -> Difference | None:
    """Declared on networks, and in a mode that has none: that cannot be left. On `none` it can."""
    mode = observed.network_mode
    if "network_mode" in wanted.settings or not (mode == "host" or mode.startswith("container:")):
        return None
    return Difference("network_mode", mode if mode == "host" else "container", None)
