"""`python -m reconciler` is `netplan`."""

import sys

from .cli import main

sys.exit(main())
