"""`netplan reset`: recreates the containers of topologies."""

from __future__ import annotations

from argparse import Namespace

from ..errors import UsageError
from ..fast_dataclasses import replace
from ..model import DesiredState
from ..runs.outcome import own_containers
from ..signals import interruptible
from .batch import each, one_document
from .console_report import carry_out
from .engines import engine_of
from .inputs import compatible, files
from .lifetime import timed
from .policy import check_named, concerned, policy_of


def reset(options: Namespace) -> int:
    """Applies the file with its containers recreated and nobody else on its networks; with
    `--wipe`, on an engine emptied before.
    """
    if options.keep_containers and options.wipe:
        raise UsageError("--keep-containers and --wipe exclude each other", "pass only one of them")
    if options.yes_wipe is not None and not options.wipe:
        raise UsageError("--yes-wipe needs --wipe", "pass both, or neither")
    if options.only and options.wipe:
        raise UsageError(
            "--only and --wipe exclude each other",
            "pass only one of them: --wipe removes everything",
        )
    paths = files(options.file)
    if options.wipe and len(paths) > 1:
        raise UsageError(
            "--wipe takes one file: the second would remove what the first created",
            "name one file",
        )
    interruptible()
    states = timed(compatible(paths), options)
    check_named(options, states)
    states = concerned(options, states)
    with engine_of(options) as engine, one_document(options, options.file):
        keep = options.keep_containers
        policy = replace(
            policy_of(options),
            reset=not keep,
            exclusive=True,
            keep_containers=keep,
            wipe=options.wipe,
        )
        if options.wipe:
            policy = replace(policy, spare=own_containers(engine))

        def carry(state: DesiredState, may_wait: bool) -> int:
            return carry_out(state, engine, policy, options, "reset", may_wait=may_wait)

        return each(states, carry, options)
