"""The command line: arguments, printing, exit codes; nothing else. What each command does is in commands/

`netplan --version` loads nothing but this module, and of the standard library next to nothing.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

from . import __version__

TYPE_CHECKING = False  # typing's own is this too; to load typing takes longer than to print a version
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from .errors import NetplanError, UsageError

BUG = 70
_OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What writing output may end in; files and engines that cannot be read are reported where they are read."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises, never prints a traceback unless NETPLAN_DEBUG is set."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _open_streams()
    try:
        if argv is None and os.path.basename(sys.argv[0]) == "docker-netplan":  # noqa: PTH119
            return _second_name(arguments)
        return _one(arguments)
    except KeyboardInterrupt:  # while an error was being told
        from .signals import exit_code

        return exit_code(0, interrupted=True)


def _second_name(arguments: list[str]) -> int:
    """Called as `docker-netplan`, by a person or by the docker command as its plugin."""
    from . import docker_plugin, invocation
    from .errors import UsageError

    if arguments == [docker_plugin.METADATA]:
        print(docker_plugin.metadata(), flush=True)
        return 0
    try:
        name, arguments = docker_plugin.understood(arguments)
    except UsageError as error:
        return _failed(error, arguments)
    invocation.call(name)
    return _one(arguments)


def _one(arguments: list[str]) -> int:
    """One command, as it was understood; its exit code."""
    try:
        if arguments in (["--version"], ["-V"]):
            print(f"netplan {__version__}")
            code = 0
        else:
            code = _main(arguments)
        sys.stdout.flush()  # here, where a failure can still be reported
    except OSError as error:
        return _output_lost(error)
    return code


def entry() -> NoReturn:
    """The command. Python's tidying up at its end would take longer than many a command; there is nothing to tidy."""
    gc.set_threshold(20_000, 20, 20)  # a run makes few cycles and ends soon: the default would search for them at each import
    sys.setswitchinterval(0.0005)  # s: threads that read the engine wait less for the one that reads the files
    code = main()
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


def _open_streams() -> None:
    """Python has none where the caller closed one (`>&-`). What a terminal cannot show is escaped; anything else is given UTF-8."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # /dev/full: what is written to a closed output is lost, and that is said. For errors there is nobody to say it to.
            path = "/dev/full" if name == "stdout" and os.path.exists("/dev/full") else os.devnull  # noqa: PTH110
            setattr(sys, name, open(path, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - pathlib takes long to load
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _output_lost(error: OSError) -> int:
    """1; said unless a reader such as `head` has had enough."""
    _discard_output()
    if not isinstance(error, BrokenPipeError):
        try:
            print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr, flush=True)
        except OSError:
            return 1
    return 1


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(arguments: list[str]) -> int:
    from .errors import NetplanError
    from .process import forget, lost_output, print_document
    from .signals import exit_code

    forget()
    try:
        code = exit_code(_run(arguments))
        print_document()
        if lost := lost_output():
            return _output_lost(lost) if code == 0 else code
        return code
    except NetplanError as error:
        return exit_code(_failed(error, arguments))
    except KeyboardInterrupt:
        code = exit_code(0, interrupted=True)
        _failed(_as_error("interrupted", "netplan plan shows what is left to do", code), arguments)
        os._exit(code)  # engine calls may be under way in threads that would be waited for
    except SystemExit as stop:  # argparse, after --help
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OUTPUT_ERRORS:
            raise
        from .errors import machine_error

        if shortage := machine_error(error):
            return _failed(shortage, arguments)
        hint = "run it again with NETPLAN_DEBUG=1 and report what it prints"
        return _failed(_as_error(f"a bug in netplan: {type(error).__name__}: {error}", hint, BUG), arguments)


def _as_error(message: str, hint: str, code: int) -> NetplanError:
    from .errors import NetplanError

    error = NetplanError(message, hint)
    error.exit_code = code
    return error


def _failed(error: NetplanError, arguments: list[str]) -> int:
    """Reports an error, for `-o json` also as a document, and returns its exit code."""
    from .commands.shared import report
    from .process import error_json, print_document, wants_json

    _debug()
    report(error)
    if wants_json(arguments):
        print_document(error_json(error))
    return error.exit_code


def _debug() -> None:
    if os.environ.get("NETPLAN_DEBUG"):
        import traceback

        traceback.print_exc()


def _run(arguments: list[str]) -> int:
    from .invocation import called

    whole = parser(called())
    options = whole.parse_args(arguments)
    if options.command is None:
        whole.print_help()
        return 0
    from . import commands

    return commands.run(options)


# --- arguments -------------------------------------------------------------------------------------------------------

_EPILOG = """\
exit codes:
    0  done, or nothing to do
    1  failed
    2  changes pending (plan --exit-code)
    3  refused as unsafe
    4  the file or command line is wrong
   75  another netplan is at work: try again
  130  interrupted

FILE may be - (standard input), a folder (every topology in it), or absent: netplan.yaml or topology.yaml in this folder.
"""


def parser(prog: str = "netplan") -> argparse.ArgumentParser:
    """The whole command line of a program of that name. Wrong usage raises UsageError."""
    import argparse

    from .errors import UsageError

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:  # exits with 4, not with 2
            raise UsageError(message[:1].lower() + message[1:], f"see {self.prog} --help")

        def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
            _check_command(args or [], commands.choices)
            found, unknown = self.parse_known_args(args, namespace)
            if unknown:  # argparse would have the command's own help left out
                raise _unknown_option(unknown[0], found, commands.choices)
            return found

        def format_help(self) -> str:
            from .invocation import renamed
            from .wrap import fit, width_of

            return fit(renamed(super().format_help()), width_of(sys.stdout) or 80)

        def _print_message(self, message: str, file: Any = None) -> None:  # argparse's own keeps a full disk to itself
            (file or sys.stderr).write(message)

    class Help(argparse.HelpFormatter):
        """Fills paragraphs to the width of the terminal; what is indented stays as it is."""

        def _fill_text(self, text: str, width: int, indent: str) -> str:
            fill = super()._fill_text
            parts = text.strip("\n").split("\n\n")
            return "\n\n".join(part if "\n " in part else fill(part, width, indent) for part in parts)

    top = Parser(prog, description="Docker topologies as code: makes the engine's networks exactly what a file says.", epilog=_EPILOG)
    top.formatter_class = Help
    top.add_argument("--version", "-V", action="version", version=f"netplan {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    def command(name: str, help: str, description: str, *parents: Any) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=description, parents=parents, formatter_class=Help, allow_abbrev=False)

    output, engine, parallel, consent, confirm = (_output(), _engine(), _parallel(), _consent(), _confirm())
    file, reviewed, lock = _file(), _output("markdown"), _lock()
    validate = command("validate", "check files; never contacts an engine", "Checks files. Never contacts an engine.", _output("github"))
    validate.add_argument("files", nargs="*", metavar="FILE")
    plan = command("plan", "show what apply would do", "Shows what apply would do. Changes nothing.", file, reviewed, engine, consent)
    plan.add_argument("--exit-code", **_EXIT_CODE)  # type: ignore[arg-type]
    plan.add_argument("--state", metavar="SNAPSHOT", help="plan against what netplan snapshot printed, or against 'empty'; needs no engine")
    plan.add_argument("--adopt", **_ADOPT)  # type: ignore[arg-type]
    plan.add_argument("--allow-empty", **_ALLOW_EMPTY)  # type: ignore[arg-type]
    plan.add_argument("--only", **_ONLY)  # type: ignore[arg-type]
    plan.add_argument("--keep-going", **_KEEP_GOING)  # type: ignore[arg-type]
    plan.add_argument("--out", metavar="P.json", help="save the plan, for apply --plan")
    apply = command(
        "apply",
        "make the engine what the file says",
        "Shows the plan, asks for confirmation where something is removed or interrupted, carries out the steps and\nverifies the result.",
        *(file, reviewed, engine, consent, parallel, confirm, lock),
    )
    apply.add_argument("--adopt", **_ADOPT)  # type: ignore[arg-type]
    apply.add_argument("--allow-empty", **_ALLOW_EMPTY)  # type: ignore[arg-type]
    apply.add_argument("--ttl", **_TTL)  # type: ignore[arg-type]
    apply.add_argument("--only", **_ONLY)  # type: ignore[arg-type]
    apply.add_argument("--keep-going", **_KEEP_GOING)  # type: ignore[arg-type]
    apply.add_argument("--plan", metavar="P.json", help="a saved plan; refused if the engine or the plan changed since")
    apply.add_argument("--settle", **_SETTLE)  # type: ignore[arg-type]
    apply.add_argument("--fingerprint", type=_fingerprint, metavar="HEX", help=_APPROVED)
    destroy = command(
        "destroy",
        "remove what a topology owns",
        "Removes what the topology owns and undoes its attachments.",
        *(file, reviewed, engine, consent, parallel, confirm, lock),
    )
    destroy.add_argument("--name", metavar="TOPOLOGY", help="the topology's name, where there is no file any more")
    reset = command(
        "reset",
        "restore a lab to its declared state",
        "Restores a lab to its declared state: recreates its containers, reverts manual changes, and\n"
        "disconnects containers that are not declared from its networks.",
        *(file, reviewed, engine, consent, parallel, confirm, lock),
    )
    prune = command("prune", "remove topologies that have expired", _PRUNE, _choice(), output, engine, parallel, confirm, lock)
    by = prune.add_mutually_exclusive_group(required=True)
    by.add_argument("--expired", **_EXPIRED)  # type: ignore[arg-type]
    by.add_argument("--older-than", **_OLDER)  # type: ignore[arg-type]
    prune.add_argument("--dry-run", action="store_true", help="show the plans, and change nothing")
    _add_limits(prune)
    prune.set_defaults(file=None, name=None, replace_topology=[])
    for stops in (apply, destroy, reset, prune):
        stops.add_argument("--stop-timeout", **_STOP_TIMEOUT)  # type: ignore[arg-type]
    reset.add_argument("--only", **_ONLY)  # type: ignore[arg-type]
    reset.add_argument("--keep-containers", action="store_true", help="keep the containers: restore networks and attachments only")
    reset.add_argument("--settle", **_SETTLE)  # type: ignore[arg-type]
    reset.add_argument("--ttl", **_TTL)  # type: ignore[arg-type]
    reset.add_argument("--wipe", action="store_true", help="first remove every container and every network that is on the engine")
    reset.add_argument("--yes-wipe", metavar="ENGINE", help="confirm --wipe by the engine's name; do not ask for it")
    diff = command("diff", "the plan from one file to another", _DIFF, reviewed, consent)
    diff.add_argument("before", metavar="BEFORE")
    diff.add_argument("after", metavar="AFTER")
    diff.add_argument("--exit-code", **_EXIT_CODE)  # type: ignore[arg-type]
    show = command("show", "the live topology as a tree", _SHOW, file, output, engine)
    show.add_argument("--all", action="store_true", help="everything on the engine, whatever file is here")
    show.add_argument("--problems", action="store_true", help="only what is not as declared, or not well")
    listed = command("ls", "topologies on this engine", _LS, _choice(), output, engine)
    listed.add_argument("--expired", **_EXPIRED)  # type: ignore[arg-type]
    listed.add_argument("--older-than", **_OLDER)  # type: ignore[arg-type]
    schema = command("schema", "print a JSON Schema", "Prints the JSON Schema of a file format.")
    formats = ("topology", "plan", "plans", "report", "reports", "snapshot", "validate", "show", "ls", "prune", "doctor", "error")
    schema.add_argument("name", nargs="?", default="topology", choices=formats)
    snapshot = command("snapshot", "the observed state as JSON", _SNAPSHOT, engine)
    snapshot.add_argument("file", nargs="?", metavar="FILE", help="a topology, or a folder of them")
    snapshot.add_argument("--out", metavar="S.json", help="write it to a file that only you can read, whole or not at all")
    what = "Shows whose the locks on the engine are, asks, and breaks them; never a journal."
    unlock = command("unlock", "break the locks on the engine", what, engine)
    unlock.add_argument("topology", nargs="?", metavar="TOPOLOGY", help="only the locks of runs of this topology")
    unlock.add_argument("-y", "--yes", action="store_true", help="do not ask")
    command("doctor", "the engine, your permissions, how to fix problems", _DOCTOR, output, engine)
    shell = command("completion", "print a script for a shell", _COMPLETION)
    shell.add_argument("shell", choices=("bash", "zsh", "fish"))
    return top


_ELSEWHERE = {
    **dict.fromkeys(("up", "run", "start", "create", "deploy", "sync", "converge", "restart"), "apply"),
    **dict.fromkeys(("down", "rm", "remove", "delete", "stop", "kill", "undo"), "destroy"),
    **dict.fromkeys(("gc", "expire", "cleanup", "clean"), "prune"),
    **dict.fromkeys(("list", "topologies"), "ls"),
    **dict.fromkeys(("status", "ps", "inspect", "state", "get", "describe"), "show"),
    **dict.fromkeys(("check", "config", "lint", "test"), "validate"),
    **dict.fromkeys(("preview", "dry-run", "changes"), "plan"),
    **dict.fromkeys(("recreate", "rebuild"), "reset"),
    **dict.fromkeys(("info", "diagnose"), "doctor"),
    "version": "--version",
    "help": "--help",
}
"""Words of other programs, and what does the same here."""


def _check_command(arguments: Sequence[str], known: Any) -> None:
    """Raises UsageError for a command that does not exist, with what it may mean."""
    from .errors import UsageError

    word = arguments[0] if arguments else "--help"
    if word in (*known, "-h", "--help", "-V", "--version"):
        return
    if word.startswith("-"):
        raise UsageError(f"{word} stands before the command", "options follow it: netplan COMMAND [FILE] [OPTION]...", "see netplan --help")
    from difflib import get_close_matches

    meant = _ELSEWHERE.get(word.lower()) or next(iter(get_close_matches(word.lower(), known, 1)), "")
    hints = [f"did you mean: netplan {meant}"] if meant else []
    raise UsageError(f"there is no command {word!r}", *hints, "see netplan --help")


def _unknown_option(word: str, found: argparse.Namespace, known: Any) -> UsageError:
    from difflib import get_close_matches

    from .errors import UsageError

    prog = f"netplan {found.command}"
    if not word.startswith("-"):
        return UsageError(f"{prog}: one argument too many: {word}", f"see {prog} --help")
    options = [option for action in known[found.command]._actions for option in action.option_strings]
    near = get_close_matches(word.partition("=")[0], options, 1, 0.7)
    return UsageError(f"{prog} has no option {word}", *[f"did you mean: {option}" for option in near], f"see {prog} --help")


_DIFF = """\
Shows the plan from BEFORE, as if it had been applied, to AFTER. Needs no engine.

Each is a file, - (standard input), or git:REV:PATH, a file as it was: git:main:netplan.yaml
"""
_COMPLETION = """\
Prints a script that makes a shell complete commands, options, files, and names of topologies. In the
shell's start-up file, or for zsh once:

  bash  source <(netplan completion bash)
  zsh   netplan completion zsh > "${fpath[1]}/_netplan"
  fish  netplan completion fish | source
"""
_DOCTOR = "Examines the engine and your permissions, and says how to fix problems."
_SHOW = """\
Shows the live topology of FILE, with drift marked; without FILE that of the file in this folder, and where there is none everything on the
engine.
"""
_SNAPSHOT = """\
Prints the observed state as JSON. Holds no environment values, only a digest of each: guesses are slow, and impossible where
NETPLAN_SNAPSHOT_KEY is set to a secret; plan --state and apply --plan then need the same key.

Given a FILE, the registries of its images with pull_policy: always are asked too, so that a plan from the snapshot knows whether there are
newer ones.
"""
_APPROVED = "with --plan: refuse any plan but the approved one; the plan and the comment on a request print it (8 digits or more)"
_EXIT_CODE = {"action": "store_true", "help": "exit 2 when changes are pending"}
_ALLOW_EMPTY = {"action": "store_true", "help": "allow a file that declares nothing to remove all that its topology owns"}
_ONLY = {
    "action": "extend",
    "default": [],
    "type": lambda text: _names(text),
    "metavar": "NAME",
    "help": "only this network or container and what it needs; several: --only a,b or --only a --only b",
}
_KEEP_GOING = {"action": "store_true", "help": "leave out what cannot be as declared and what needs it, do the rest, exit 1"}
_REPLACE = {
    "action": "append",
    "default": [],
    "metavar": "NAME",
    "help": "allow replacing everything that topology NAME owns, where the file declares none of it",
}
_ADOPT = {"action": "append", "default": [], "metavar": "NETWORK", "help": "take over an existing network: replaced, every endpoint kept"}


_TTL = {
    "type": lambda text: _lifetime(text),
    "metavar": "DURATION",
    "help": "how long until the topology expires, e.g. 2h, counted from the end of this run (default: the file's ttl)",
}
_EXPIRED = {"action": "store_true", "help": "those whose ttl is over"}
_OLDER = {
    "type": lambda text: _lifetime(text),
    "metavar": "DURATION",
    "help": "those that created nothing, and had no ttl renewed, for so long, e.g. 2h",
}
_LS = """\
Lists the topologies on this engine: what each owns, its age, when it expires, and where its file was. The age counts from the last time
that something of it was created, or its ttl renewed.
"""
_PRUNE = """\
Destroys the topologies that have expired, or are older than you say: shows the plan of each, asks once for all, and removes
one after the other. One that was applied again meanwhile is kept.
"""
_SETTLE = {
    "type": lambda text: _patience(text),
    "default": 1.0,
    "metavar": "S",
    "help": "seconds that every started container must stay up, waited for once (default: 1; 0: do not wait)",
}


_STOP_TIMEOUT = {
    "type": lambda text: _whole_seconds(text),
    "metavar": "S",
    "help": "seconds that every container stopped by this run has to end (default: its own stop_grace_period)",
}


def _parent() -> argparse.ArgumentParser:
    import argparse

    return argparse.ArgumentParser(add_help=False)


def _file() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument("file", nargs="?", metavar="FILE")
    return parent


def _output(*more: str) -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument("-o", "--output", choices=("text", "json", *more), default="text", help="what to print (default: text)")
    parent.add_argument("--no-color", action="store_true", help="no colours; NO_COLOR does the same")
    parent.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    return parent


def _engine() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument("--host", "-H", metavar="URL", help="the engine, e.g. unix:///var/run/docker.sock (default: DOCKER_HOST)")
    parent.add_argument("--context", "-c", metavar="NAME", help="the docker context (default: the current one)")
    parent.add_argument("--timeout", type=_seconds, default=60.0, metavar="S", help="seconds to wait for one answer (default: 60)")
    parent.add_argument("-v", "--verbose", action="store_true", help="print each engine call with its time")
    return parent


def _parallel() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument("--parallel", type=_count, default=6, metavar="N", help="engine calls at a time (default: 6)")
    return parent


def _consent() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument("--replace-topology", **_REPLACE)  # type: ignore[arg-type]
    _add_limits(parent)
    return parent


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--disrupt-foreign", action="store_true", help="allow interrupting containers that are not declared here")
    parser.add_argument("--max-removals", type=_limit, metavar="N", help="refuse to remove, replace or disconnect more than N things")


def _choice() -> argparse.ArgumentParser:
    parent = _parent()
    patterns = {"action": "append", "default": [], "metavar": "PATTERN", "type": _pattern}
    parent.add_argument("--match", help="those whose name fits, e.g. 'job-*'; may be given several times", **patterns)  # type: ignore[arg-type]
    origin = "those whose file was there, e.g. 'runner7:*' (HOST:FOLDER), or the address of its git repository"
    parent.add_argument("--origin", help=origin, **patterns)  # type: ignore[arg-type]
    return parent


def _confirm() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument("-y", "--yes", action="store_true", help="do not ask before something is removed, replaced or disconnected")
    return parent


def _lock() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--lock-timeout",
        type=_patience,
        default=90.0,
        metavar="S",
        help="seconds to wait for another netplan at work on the same (default: 90)",
    )
    return parent


def _fingerprint(text: str) -> str:
    import argparse

    digits = text.lower()
    if not 8 <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text!r} is no fingerprint: it has 8 to 64 hexadecimal digits")
    return digits


def _lifetime(text: str) -> int:
    import argparse

    from .forms import BadValueError, lifetime

    try:
        return lifetime(text)
    except BadValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> list[str]:
    import argparse

    names = text.split(",")
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} names nothing: --only NAME, or --only NAME,NAME")
    return names


def _pattern(text: str) -> str:
    """A variable of a script that is not set would select nothing, for ever and in silence."""
    import argparse

    if not text:
        raise argparse.ArgumentTypeError("an empty pattern fits no topology: write it like 'job-*'")
    return text


def _patience(text: str) -> float:
    return _number(text, float, 0, 86400)


def _whole_seconds(text: str) -> int:
    return int(_number(text, int, 0, 86400))


def _limit(text: str) -> int:
    return int(_number(text, int, 0, 1_000_000))


def _seconds(text: str) -> float:
    return _number(text, float, 0.001, 86400)


def _count(text: str) -> int:
    return int(_number(text, int, 1, 64))


def _number(text: str, kind: type[int] | type[float], least: float, most: float) -> float:
    import argparse

    try:
        value = kind(text)
    except ValueError:
        value = kind(-1)
    if not least <= value <= most:
        what = "whole number" if kind is int else "number"
        raise argparse.ArgumentTypeError(f"{text!r} is not a {what} between {least:,} and {most:,}")
    return value


if __name__ == "__main__":
    entry()
