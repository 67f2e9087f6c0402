"""Values without cycles: whoever makes many of them at once need not have Python search for cycles
meanwhile.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_cycle_search() -> Iterator[None]:
    """Puts the search off: where many objects are made and none form a cycle, it would take up to
    half of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # and back: what was made counts as old, so that it is not searched the moment the
            # search is on again
            gc.freeze()
            gc.unfreeze()
            gc.enable()
