"""What `netplan apply --yes --quiet FILE` does, without a lock, a second look and a journal: the yardstick of lock.py."""

from __future__ import annotations

import sys

from reconciler.engine import open_engine
from reconciler.executor import execute
from reconciler.observe import observe
from reconciler.planner import plan
from reconciler.topology import load

desired = load(sys.argv[1]).state
engine = open_engine()
made = plan(desired, observe(engine))
engine.make_ready()
run = execute(made, engine)
left = plan(desired, observe(engine))
engine.close()
sys.exit(0 if run.ok and left.empty else 1)
