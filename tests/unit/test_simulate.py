"""What a simulated engine is taken to have: what the topology made, and what it needs and does not
make.
"""

from __future__ import annotations

from reconciler.engine import NEWEST_API
from reconciler.model import DesiredContainer, DesiredState, EndpointMark, Secrets, Source
from reconciler.planner import plan
from reconciler.simulate import NEWEST, applied, assumed, assumptions
from reconciler.topology import load_text

LAB = load_text(
    """\
name: lab
networks:
  back: {subnet: 10.9.0.0/24, protect: true}
  corp: {external: true}
containers:
  api: {networks: {back: {aliases: [web]}, corp: {ipv4_address: 172.30.4.1}}}
  db: {networks: {corp: {ipv4_address: 172.30.4.2, ipv6_address: "fd00:5::7"}}}
  lone: {}
""",
    "lab.yaml",
).state


def test_it_is_the_newest_engine() -> None:
    assert NEWEST.api == NEWEST_API


def test_what_was_made_is_marked_and_what_was_not_is_not() -> None:
    state = applied(LAB)
    networks = {network.name: network for network in state.networks}
    assert sorted(networks) == ["back", "bridge", "corp", "host", "none"]
    assert networks["back"].mark is not None
    assert (
        networks["back"].mark.topology,
        networks["back"].mark.protect,
        *networks["back"].mark.endpoints,
    ) == ("lab", True, "api")
    assert networks["corp"].mark is None
    assert [container.name for container in state.containers] == ["api", "db", "lone"]
    endpoint = state.containers[0].endpoint("back")
    assert endpoint is not None
    assert endpoint.mark == EndpointMark("lab", "made", {"aliases": ("web",)})


def test_an_external_network_has_room_for_what_is_declared_on_it() -> None:
    corp = next(network for network in assumed([LAB]).networks if network.name == "corp")
    assert (corp.settings["ipv4.subnet"], corp.settings["ipv6.subnet"]) == (
        ("172.30.4.0/24",),
        ("fd00:5::/64",),
    )
    assert corp.settings["ipv4.gateway"] == "172.30.4.3"  # the first that nobody declared
    assert plan(LAB, assumed([LAB])).applyable


def test_before_anything_was_applied_nothing_is_marked() -> None:
    state = assumed([LAB])
    assert [network.name for network in state.networks] == ["bridge", "corp", "host", "none"]
    assert all(not container.endpoints for container in state.containers)


def test_what_is_assumed_is_said() -> None:
    assert assumptions([LAB]) == (
        "no engine was read: these containers are assumed to exist and be running: api, db, lone",
        "no engine was read: these external networks are assumed to exist: corp",
    )
    assert assumptions([DesiredState("x")]) == ()


def test_a_container_that_the_topology_runs_is_there_once_it_was_applied() -> None:
    own = DesiredContainer(
        "own",
        Source("lab.yaml", 9),
        managed=True,
        settings={"image": "app:1", "environment.KEY": "0123456789ab"},
        environment=Secrets({"KEY": "hunter2"}),
    )
    desired = DesiredState("lab", {}, {"own": own})
    [container] = applied(desired).containers
    assert (container.name, container.live, container.settings["image"]) == ("own", True, "app:1")
    assert container.mark is not None
    assert container.mark.topology == "lab"
    assert applied(desired).images["app:1"].id == container.image_id
    assert "hunter2" not in repr(applied(desired))
    assert assumed([desired]).containers == ()
    assert assumptions([desired]) == ()
