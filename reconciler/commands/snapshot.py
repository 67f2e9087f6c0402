"""`netplan snapshot`: the observed state, for other programs."""

from __future__ import annotations

import json
from argparse import Namespace

from ..complete_output import say_error
from ..runs import look_at
from ..terminal import safe
from .engines import reader_of
from .inputs import files, load, snapshot_key
from .output import print_json


def snapshot(options: Namespace) -> int:
    """The observed state, for other programs; registries are asked where a file says so."""
    from ..lock import own_volumes
    from ..lock.journal import journals
    from ..planner import cannot_read
    from ..snapshot import snapshot_json

    states = [load(path) for path in files(options.file)] if options.file else []
    with reader_of(options) as reader:
        left = journals(own_volumes(reader))
        for journal in left:
            if journal.unreadable:
                say_error(safe(f"warning: {cannot_read(journal)}: it is not in the snapshot"))
        value = snapshot_json(look_at(reader, states, every_image=True), left, snapshot_key())
    if options.out is None:
        print_json(value)
    else:
        from .write import write_file

        write_file(options.out, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    return 0
