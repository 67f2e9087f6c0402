"""`netplan doctor`: examines the engine."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..complete_output import print_text
from ..terminal import choose, safe
from .engines import call_log
from .output import print_json


def doctor(options: Namespace) -> int:
    """Examines the engine; exit 1 where something must be mended."""
    from dataclasses import asdict

    from ..doctor import FORMAT_VERSION, examine, healthy, report

    findings = examine(options.host, options.context, options.timeout, log=call_log(options))
    if options.output == "json":
        print_json(
            {
                "format_version": FORMAT_VERSION,
                "findings": [asdict(finding) for finding in findings],
            }
        )
    else:
        paint = choose(sys.stdout, options.no_color)
        styles = {"ok  ": "add", "warn": "warn", "fail": "error"}
        shown = [finding for finding in findings if not options.quiet or finding.level != "ok"]
        for line in map(safe, report(shown)):
            print_text(paint(styles.get(line[:4], ""), line[:4]) + line[4:])
    return 0 if healthy(findings) else 1
