"""`netplan schema`: prints a published schema."""

from __future__ import annotations

from argparse import Namespace


def schema(options: Namespace) -> int:
    """Prints a published schema."""
    from ..topology.schema import schema_text

    print(schema_text(options.name), end="")
    return 0
