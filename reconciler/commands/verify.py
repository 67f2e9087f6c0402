"""`netplan verify`: who reaches whom, as expected or implied; so far without an engine."""

from __future__ import annotations

from argparse import Namespace

from ..complete_output import print_text
from ..errors import FailedError, UsageError
from ..render.verified import verify_json, verify_junit, verify_markdown, verify_text
from ..verify import Judged, judge_file
from .inputs import files, load_all
from .output import painted, print_json

NOTHING_JUDGED = 2


def verify(options: Namespace) -> int:
    """Judges the expectations of every file, and of those without any what they imply."""
    if not options.static:
        raise UsageError(
            "verify needs --static: it does not probe running containers yet",
            "netplan verify --static judges the topology by the rules of engines",
        )
    paths = files(options.file)
    judged = {path: judge_file(state) for path, state in zip(paths, load_all(paths), strict=True)}
    _print(judged, options)
    if any(one.count("broken") for one in judged.values()):
        return FailedError.exit_code
    return 0 if any(one.findings for one in judged.values()) else NOTHING_JUDGED


def _print(judged: dict[str, Judged], options: Namespace) -> None:
    if options.output == "json":
        print_json(verify_json(judged))
    elif options.output == "markdown":
        print(verify_markdown(judged), end="", flush=True)
    elif options.output == "junit":
        print(verify_junit(judged), end="", flush=True)
    elif not options.quiet:
        text = painted(verify_text, options)
        print_text("\n\n".join(text(one) for one in judged.values()))
