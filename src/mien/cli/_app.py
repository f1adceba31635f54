"""The application object, and what becomes of errors and warnings on their way to a person."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from mien.core import MienError, MienWarning

__all__ = ["app", "main"]

_INTERRUPTED = 130  # what typer returns for ctrl-C

app = typer.Typer(
    name="mien",
    help="Find and read facial micro-expressions. Everything stays on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(argv: Sequence[str] | None = None, *, standalone: bool = True) -> int:
    """Run the command line; the console script.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.
    standalone : bool
        Exit the process with the status instead of returning it.

    Returns
    -------
    int
        0 done; 2 bad use or bad input (one line on standard error); 1 anything else.
    """
    warnings.showwarning = _show_warning
    warnings.simplefilter("default", MienWarning)
    status = _run(sys.argv[1:] if argv is None else list(argv))
    if standalone:
        raise SystemExit(status)
    return status


def _run(argv: list[str]) -> int:
    try:
        status = int(app(args=argv, prog_name="mien", standalone_mode=False) or 0)
        if status == _INTERRUPTED:
            raise KeyboardInterrupt
    except MienError as error:
        status = _say(str(error), 2)
    except TyperException as error:  # with no command at all, typer has printed the help
        status = _say(f"{_message(error)}; see 'mien {_command(argv)}--help'", 2) if argv else 0
    except (typer.Exit, SystemExit) as stop:
        status = int(getattr(stop, "exit_code", getattr(stop, "code", 0)) or 0)
    except (KeyboardInterrupt, typer.Abort):
        status = _say("interrupted; what was finished is kept", 1)
    except BrokenPipeError:
        status = 1
    except Exception:
        traceback.print_exc()
        status = _say("this is a fault in mien, not in your input; please report the lines above", 1)
    return status


def _say(message: str, status: int) -> int:
    print(f"mien: {message}", file=sys.stderr)
    return status


def _message(error: TyperException) -> str:
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    return " ".join(text.split()).rstrip(".")


def _command(argv: list[str]) -> str:
    known = {info.name for info in app.registered_commands} | {group.name for group in app.registered_groups}
    return f"{argv[0]} " if argv and argv[0] in known else ""


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:  # type: ignore[no-untyped-def]
    if issubclass(category, MienWarning):
        print(f"mien: note: {message}", file=sys.stderr)


def _print_version(wanted: bool) -> None:
    if wanted:
        from mien import __version__

        print(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=_print_version),
) -> None:
    """Find and read facial micro-expressions. Everything stays on this machine."""
