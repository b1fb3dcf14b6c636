"""The command ``qcos``. It needs the extra ``cli``; without it, it says so."""

from __future__ import annotations

import sys

INTERRUPTED = 130
_USAGE = 2


def main() -> None:
    """Run the command that the process's arguments ask for, and exit with its code."""
    try:
        import click  # noqa: F401

        from qcos_core.cli.app import run_process
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print("qcos needs click. Run: pip install 'qcos-core[cli]'", file=sys.stderr)
        sys.exit(_USAGE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run_process()
