"""`netplan apply`: makes the engine what the files declare."""

from __future__ import annotations

from argparse import Namespace

from ..errors import UsageError
from ..model import DesiredState
from ..signals import interruptible
from .batch import each, one_document
from .console_report import carry_out
from .engines import Lookout, engine_of
from .inputs import compatible, files
from .lifetime import timed
from .policy import check_named, concerned, policy_of


def apply(options: Namespace) -> int:
    """Shows the plan, asks, carries it out, proves it."""
    interruptible()
    if options.plan is not None:
        from .saved_plan import apply_saved

        return apply_saved(options)
    if options.fingerprint is not None:
        raise UsageError(
            "--fingerprint needs --plan",
            "it says which saved plan was approved: apply --plan P.json",
        )
    paths = files(options.file)
    lookout = Lookout(options, engine_of, paths)
    states = timed(compatible(paths), options)
    check_named(options, states)
    states = concerned(options, states)
    with lookout.seen() as (engine, sight), one_document(options, options.file):
        fresh = iter([sight])  # what was seen before the first one's changes is no longer so then

        def carry(state: DesiredState, may_wait: bool) -> int:
            seen, policy = next(fresh, None), policy_of(options)
            return carry_out(state, engine, policy, options, sight=seen, may_wait=may_wait)

        return each(states, carry, options)
