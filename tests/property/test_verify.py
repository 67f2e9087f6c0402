"""The grammar of expectations is read back as it is written; the static judge agrees with itself:
under other names, in another order, about an expectation and its opposite, and about what it
implies.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired import DesiredContainer, DesiredEndpoint, DesiredNetwork, DesiredState
from reconciler.expectations import Expectation, ExpectationError, checked, read_expectation
from reconciler.fast_dataclasses import replace
from reconciler.model import Source
from reconciler.settings import Settings
from reconciler.verify import expand, implied, judge, promised, world_of

HERE = Source("t", 1)
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
ADDRESSES = st.ip_addresses().map(str)
HOSTS = NAMES | ADDRESSES


@st.composite
def written(draw: st.DrawFn) -> Expectation:
    """Any expectation that can be written."""
    source, target, reaches = draw(NAMES), draw(HOSTS), draw(st.booleans())
    port, status = draw(st.integers(1, 65535)), draw(st.sampled_from([0, 200, 404]))
    url = f"http://{f'[{target}]' if ':' in target else target}:{port}/x"
    forms = (
        {"probe": "icmp"},
        {"probe": "dns"},
        {"probe": "icmp", "by_address": True},
        {"probe": "tcp", "port": port},
        {"probe": "udp", "port": port, "by_address": draw(st.booleans())},
        {"probe": "http", "url": url, "port": port, "status": status if reaches else 0},
    )
    try:
        return checked(source, target, reaches=reaches, **draw(st.sampled_from(forms)))  # type: ignore[arg-type]
    except ExpectationError:
        return checked("a", "b", reaches=reaches)


@settings(deadline=None)
@given(written())
def test_an_expectation_is_read_back(expected: Expectation) -> None:
    assert read_expectation(str(expected)) == expected


@settings(deadline=None)
@given(st.text(alphabet="ab->/:[]()=. 0hostp", max_size=30) | st.text(max_size=20))
def test_any_text_is_an_expectation_or_an_error(text: str) -> None:
    error = None
    try:
        found = read_expectation(text)
    except ExpectationError as one:
        error = one
    if error:
        assert 0 <= error.index <= len(text)
    else:
        assert read_expectation(str(found)) == found


# --- the judge ------------------------------------------------------------------------------------

OPTION = "driver_opts.com.docker.network.bridge."
NETWORKS: tuple[Settings, ...] = (
    {},
    {},
    {"internal": True},
    {f"{OPTION}enable_icc": "false"},
    {f"{OPTION}gateway_mode_ipv4": "routed"},
    {"driver": "macvlan"},
    {"driver": "macvlan", "driver_opts.macvlan_mode": "private"},
    {"driver": "a-plugin"},
    {"enable_ipv6": True},
)
CONTAINERS: tuple[Settings, ...] = (
    {},
    {},
    {"privileged": True},
    {"cap_add": ("NET_ADMIN",)},
    {"ports": ("8080->80/tcp",)},
    {"hostname": "h"},
    {"extra_hosts": ("c1:10.0.0.1",)},
)
ALIASES: tuple[Settings, ...] = ({}, {}, {"aliases": ("www",)}, {"aliases": ("api", "www")})


@st.composite
def topologies(draw: st.DrawFn) -> DesiredState:
    """A few networks, and containers of every kind on them."""
    networks = {
        f"n{n}": DesiredNetwork(f"n{n}", HERE, draw(st.sampled_from(NETWORKS)))
        for n in range(draw(st.integers(1, 3)))
    }
    containers: dict[str, DesiredContainer] = {}
    for number in range(draw(st.integers(1, 4))):
        name = f"c{number}"
        mode = draw(st.sampled_from(["", "", "", "bridge", "host", "none", *containers]))
        settings = {"image": "b", **draw(st.sampled_from(CONTAINERS))}
        on = draw(st.lists(st.sampled_from([*networks]), unique=True, min_size=1))
        if mode:
            settings["network_mode"] = f"container:{mode}" if mode in containers else mode
            on = ["bridge"] if mode == "bridge" else []
        endpoints = [
            DesiredEndpoint(one, HERE, {} if one == "bridge" else draw(st.sampled_from(ALIASES)))
            for one in on
        ]
        managed = bool(mode) or draw(st.integers(0, 4)) > 0
        containers[name] = DesiredContainer(
            name, HERE, tuple(endpoints), managed=managed, settings=settings if managed else {}
        )
    return DesiredState("lab", networks, containers)


def questions(state: DesiredState) -> list[Expectation]:
    names = [*state.containers]
    found = []
    for source in names:
        for target in (*names, "www", "api"):
            declared = target if target in state.containers else ""
            for probe, by in (("icmp", False), ("icmp", True), ("dns", False)):
                one = checked(source, target, probe=probe, by_address=by)
                found.append(replace(one, source_container=source, target_container=declared))
    return found


def renamed(state: DesiredState) -> DesiredState:
    """With every name another, and everything in the opposite order."""
    containers = [
        replace(
            one,
            name=f"x{name}",
            endpoints=tuple(replace(end, network=_network(end.network)) for end in one.endpoints),
            settings=_renamed(one.settings),
        )
        for name, one in reversed([*state.containers.items()])
    ]
    networks = [
        replace(one, name=_network(name)) for name, one in reversed([*state.networks.items()])
    ]
    return replace(
        state,
        networks={one.name: one for one in networks},
        containers={one.name: one for one in containers},
    )


def _network(name: str) -> str:
    return name if name == "bridge" else f"y{name}"


def _renamed(settings: Settings) -> Settings:
    mode = str(settings.get("network_mode", ""))
    found = dict(settings)
    if mode.startswith("container:"):
        found["network_mode"] = f"container:x{mode.removeprefix('container:')}"
    if "extra_hosts" in found:
        found["extra_hosts"] = ("xc1:10.0.0.1",)
    return found


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_names_and_order_do_not_matter(state: DesiredState) -> None:
    world, other = world_of(state), world_of(renamed(state))
    for one in questions(state):
        target = f"x{one.target}" if one.target_container else one.target
        same = replace(
            one,
            source=f"x{one.source}",
            target=target,
            source_container=f"x{one.source}",
            target_container=target if one.target_container else "",
        )
        assert judge(world, one).value is judge(other, same).value, str(one)


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_an_expectation_and_its_opposite_are_not_both_kept(state: DesiredState) -> None:
    world = world_of(state)
    for one in questions(state):
        here, opposite = judge(world, one), judge(world, replace(one, reaches=False))
        assert here.reason
        assert not (here.value and opposite.value), str(one)
        if one.probe == "dns" and here.value is not None:
            assert opposite.value is not here.value


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_a_promise_is_what_its_pairs_are(state: DesiredState) -> None:
    """A group's answer is decided only if that of each of its pairs is, and is the same."""
    world = world_of(state)
    for promise in implied(world):
        value = promised(world, promise).value
        for expected in expand(world, promise) if value is not None else ():
            assert judge(world, expected).value is value, f"{promise}: {expected}"
