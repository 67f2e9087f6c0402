"""Every call that changes something, spoiled in every way: the run ends with a report, and the next
one converges.

The lab goes to and fro between two declarations. Each way replaces one network under a running and
an exited container, gives up a second and makes a third, one call at a time, so that the nth call
is the nth step of the plan.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.engine import Engine, open_engine
from reconciler.executor import Run, execute
from reconciler.model import DesiredContainer, DesiredEndpoint, DesiredNetwork, DesiredState, Source
from reconciler.observe import observe
from reconciler.plan import Plan
from reconciler.planner import plan

from ..e2e.conftest import Docker
from .proxy import Fault, Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
HERE = Source("lab.yaml", 1)
FAULTS = [
    Fault("cut"),
    Fault("cut", acts=True),
    Fault("answer", status=500),
    Fault("answer", status=404, acts=True),
    Fault("answer", status=409),
    Fault("garbage", acts=True),
    Fault("hang"),
    Fault("slow", seconds=0.3),
]


class Lab:
    """A running container `web` and an exited one `old`, and two declarations about them."""

    def __init__(self, docker: Docker, engine: Engine) -> None:
        if engine.info().flavor == "podman":
            pytest.skip("Podman keeps no marks on endpoints")
        self.docker, self.engine = docker, engine
        self.web, self.old = docker.container("web"), docker.container("old")
        docker.stop(self.old)
        extra = docker.subnet()
        self.one = self._declared(docker.subnet(), "b", extra)
        self.other = self._declared(docker.subnet(), "c", extra)

    def _declared(self, subnet: str, second: str, extra: str) -> DesiredState:
        """A network `a` of that subnet with both containers, and a second with one of them."""
        a, second, web, old = map(self.docker.name, ("a", second, "web", "old"))
        networks = {
            a: DesiredNetwork(a, HERE, {"ipv4.subnet": (subnet,)}),
            second: DesiredNetwork(second, HERE, {"ipv4.subnet": (extra,), "internal": True}),
        }
        first = DesiredEndpoint(
            a, HERE, {"aliases": ("w",), "ipv4_address": subnet.replace(".0/24", ".20")}
        )
        last = DesiredEndpoint(a, HERE, {"ipv4_address": subnet.replace(".0/24", ".30")})
        containers = {
            web: DesiredContainer(web, HERE, (first, DesiredEndpoint(second, HERE))),
            old: DesiredContainer(old, HERE, (last,)),
        }
        return DesiredState(self.docker.prefix + "lab", networks, containers)

    def planned(self, desired: DesiredState) -> Plan:
        found = plan(desired, observe(self.engine))
        assert found.applyable, found.refusals
        return found

    def converge(self, desired: DesiredState) -> None:
        run = execute(self.planned(desired), self.engine)
        assert run.ok, [result.error for result in run.results]
        assert self.planned(desired).empty, "the second plan finds nothing to do"

    def started(self) -> str:
        return str(self.docker.inspect(self.web)["State"]["StartedAt"])


@pytest.fixture
def lab(docker: Docker, engine: Engine) -> Lab:
    return Lab(docker, engine)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_any_call_may_fail(lab: Lab, proxy: Proxy, fault: Fault) -> None:
    engine = open_engine(proxy.host, timeout=2)
    lab.converge(lab.one)
    started, target, other = lab.started(), lab.other, lab.one
    count = len(lab.planned(target).steps)
    assert count == 10
    for nth in range(1, count + 1):
        steps = lab.planned(target).steps
        assert len(steps) == count
        proxy.spoil(replace(fault, nth=nth))
        run = execute(lab.planned(target), engine, parallel=1)
        assert proxy.spoiled, f"the plan makes at least {nth} calls"
        _check_report(run, nth, fault)
        lab.converge(target)
        target, other = other, target
    engine.close()
    assert lab.started() == started, "nothing was restarted"
    lab.docker.start(lab.old)


def _check_report(run: Run, nth: int, fault: Fault) -> None:
    """The spoiled step is told as what became of it, what needs it is skipped, and all else is
    done.
    """
    if fault.acts or fault.kind == "slow":
        assert run.ok, f"call {nth}: {[(result.step.text, result.error) for result in run.failed]}"
        return
    (failed,) = run.failed
    assert failed.error
    lost = {failed.step.id}
    for result in run.results:
        if lost & set(result.step.needs):
            lost.add(result.step.id)
            assert result.status == "skipped"
            assert result.error == f"needs step {failed.step.id} ({failed.step.text}), which failed"
        elif result is not failed:
            assert result.status == "done"
