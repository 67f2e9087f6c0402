"""`python -m reconciler` is `netplan`."""

from .cli import entry

entry()
