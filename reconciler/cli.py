"""The command line: arguments, printing, exit codes; nothing else. What each command does is in
commands/

`netplan --version` loads nothing but this module, and of the standard library next to nothing.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

from . import __version__

TYPE_CHECKING = (
    False  # typing's own is this too; to load typing takes longer than to print a version
)
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from .errors import NetplanError

BUG = 70
_OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What writing output may end in; files and engines that cannot be read are reported where they are
read.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises, never prints a traceback unless
    NETPLAN_DEBUG is set.
    """
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
    """The command. Python's tidying up at its end would take longer than many a command; there is
    nothing to tidy.
    """
    gc.set_threshold(
        20_000, 20, 20
    )  # a run makes few cycles and ends soon: the default would search for them at each import
    sys.setswitchinterval(
        0.0005
    )  # s: threads that read the engine wait less for the one that reads the files
    code = main()
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


def _open_streams() -> None:
    """Python has none where the caller closed one (`>&-`). What a terminal cannot show is escaped;
    anything else is given UTF-8.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # /dev/full: what is written to a closed output is lost, and that is said. For errors
            # there is nobody to say it to.
            path = "/dev/full" if name == "stdout" and os.path.exists("/dev/full") else os.devnull  # noqa: PTH110
            setattr(sys, name, open(path, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - pathlib takes long to load
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(
                encoding=None if stream.isatty() else "utf-8", errors="backslashreplace"
            )


def _output_lost(error: OSError) -> int:
    """1; said unless a reader such as `head` has had enough."""
    _discard_output()
    if not isinstance(error, BrokenPipeError):
        try:
            print(
                f"error: the output cannot be written: {error.strerror}",
                file=sys.stderr,
                flush=True,
            )
        except OSError:
            return 1
    return 1


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(arguments: list[str]) -> int:
    from .complete_output import forget, lost_output, print_document
    from .errors import NetplanError
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
        hint = "run it again with NETPLAN_DEBUG=1 and report the output"
        return _failed(
            _as_error(f"a bug in netplan: {type(error).__name__}: {error}", hint, BUG), arguments
        )


def _as_error(message: str, hint: str, code: int) -> NetplanError:
    from .errors import NetplanError

    error = NetplanError(message, hint)
    error.exit_code = code
    return error


def _failed(error: NetplanError, arguments: list[str]) -> int:
    """Reports an error, for `-o json` also as a document, and returns its exit code."""
    from .commands.output import report
    from .complete_output import error_json, print_document, wants_json

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
    from .arguments import parse, parser
    from .invocation import called

    options = parse(arguments, called())
    if options is None:
        parser(called()).print_help()
        return 0
    from importlib import import_module

    verb = import_module(f".commands.{options.command}", __package__)
    code: int = getattr(verb, options.command)(options)
    return code


if __name__ == "__main__":
    entry()
