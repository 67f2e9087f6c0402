"""`netplan destroy`: removes what topologies own."""

from __future__ import annotations

from argparse import Namespace

from ..errors import UsageError
from ..fast_dataclasses import replace
from ..model import DesiredState
from ..signals import interruptible
from .batch import each, one_document
from .console_report import carry_out
from .engines import engine_of
from .inputs import files, load_in_order
from .policy import check_named, policy_of


def destroy(options: Namespace) -> int:
    """Applies an empty topology of that name: by file its `protect` binds and its endpoints are
    ours, by name the marks decide.
    """
    interruptible()
    if options.name is not None and options.file:
        raise UsageError("--name and FILE exclude each other", "pass only one of them")
    if options.name == "":
        raise UsageError("--name is empty", "pass the topology's name: netplan ls lists them")
    states = (
        [DesiredState(options.name)]
        if options.name
        else [state for _, state in reversed(load_in_order(files(options.file)))]
    )
    check_named(options, states)
    with engine_of(options) as engine, one_document(options, options.file):

        def carry(state: DesiredState, may_wait: bool) -> int:
            policy, agreed = policy_of(options, destroyed=state), None
            if options.name:
                from ..runs.name_checks import must_exist

                policy, agreed = (
                    replace(policy, replaces=frozenset({options.name})),
                    must_exist(options.name),
                )
            gone = DesiredState(state.topology, origin=state.origin)
            return carry_out(
                gone, engine, policy, options, "destroy", agreed=agreed, may_wait=may_wait
            )

        return each(states, carry, options)
