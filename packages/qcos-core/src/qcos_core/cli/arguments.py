"""What ``plan`` and ``run`` have in common: circuits, a cluster, and how to run."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qcos_core.cli.binds import bound, parse_binds
from qcos_core.cli.console import WIDTH, say
from qcos_core.errors import JobFailed, QCOSError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.cluster.registry import QPURegistry
    from qcos_core.model.circuits import VirtualCircuitSpec

SHOTS = 1024
POLICY = "fastest"
STRATEGY = "auto"
STDIN = "-"
_PIECE = 64
_UNNAMED = re.compile(r"circuit-\d+")

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Decorator = Callable[[Any], Any]

_OPTIONS: tuple[_Decorator, ...] = (
    click.argument("files", metavar="FILE...", nargs=-1, required=True),
    click.option(
        "--on",
        multiple=True,
        metavar="SLOT",
        help="A provider to use, KEY[:name=value,...]; may be repeated. "
        "Without it: local_cpu, else local_numpy.",
    ),
    click.option("--cluster", metavar="FILE", help="A cluster.toml to use instead of --on."),
    click.option(
        "--shots", type=int, default=SHOTS, show_default=True, help="Shots of each circuit."
    ),
    click.option("--seed", type=int, help="Makes the counts repeatable; drawn if left out."),
    click.option(
        "--policy",
        default=POLICY,
        show_default=True,
        metavar="NAME",
        help="How a node is chosen: fastest, cost_optimized, best_fidelity, round_robin, or as a "
        "plugin says; all for all shots on each node.",
    ),
    click.option(
        "--strategy",
        default=STRATEGY,
        show_default=True,
        metavar="NAME",
        help="How work is cut: auto, whole, batch, shots, factor, or as a plugin says.",
    ),
    click.option(
        "--require-tag",
        multiple=True,
        metavar="TAG",
        help="Use only nodes with this tag; may be repeated.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="ID",
        help="A node, or a provider's key, not to use; may be repeated.",
    ),
    click.option(
        "--min-fidelity",
        type=float,
        metavar="F",
        help="Use only nodes of which at least this fidelity is expected, from 0 to 1.",
    ),
    click.option(
        "--bind",
        multiple=True,
        metavar="NAME=VALUES",
        help="A parameter's value, or values for a sweep: theta=0.3, theta=0,0.5,1 or "
        "theta=0:2pi:50 for START:STOP:COUNT; may be repeated for a grid.",
    ),
    click.option("--like", metavar="DEVICE", help="Simulate this device, such as fake_sherbrooke."),
    click.option(
        "--option",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option for the providers, such as method=statevector; may be repeated.",
    ),
    click.option(
        "--cross-check",
        is_flag=True,
        help="Compare nodes that are alike; shots of one that disagrees do not count.",
    ),
    click.option(
        "--budget",
        metavar="AMOUNTS",
        help="The most that it may cost, such as '12 QPU-s, 5 USD'; 'any' for whatever it costs.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
)


_LABELS: tuple[_Decorator, ...] = (
    click.option("--name", metavar="TEXT", help="A name for the job."),
    click.option("--tag", multiple=True, metavar="TEXT", help="A tag; may be repeated."),
)


def run_options(command: _Command) -> _Command:
    """Give a command the arguments that a :class:`Arguments` is made of."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def label_options(command: _Command) -> _Command:
    """Give a command the arguments that label what it runs."""
    for option in reversed(_LABELS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Arguments:
    """The arguments of ``plan``, ``run`` and ``submit``."""

    files: tuple[str, ...]
    on: tuple[str, ...]
    cluster: str | None
    shots: int
    seed: int | None
    policy: str
    strategy: str
    require_tag: tuple[str, ...]
    exclude: tuple[str, ...]
    min_fidelity: float | None
    bind: tuple[str, ...]
    like: str | None
    option: tuple[str, ...]
    cross_check: bool
    budget: str | None
    as_json: bool
    name: str | None = None
    tag: tuple[str, ...] = ()

    def check(self) -> None:
        """Check what can be checked before anything is read or imported.

        Raises:
            click.UsageError: arguments that exclude each other.
            InvalidArguments: shots or a seed out of range, or values that cannot be read.
        """
        from qcos_core.model.budgets import Budget
        from qcos_core.model.circuits import Requirements, check_seed, check_shots

        if self.on and self.cluster is not None:
            message = "--on and --cluster exclude each other."
            raise click.UsageError(message, click.get_current_context(silent=True))
        if self.files.count(STDIN) > 1:
            message = "standard input, -, can be read only once."
            raise click.UsageError(message, click.get_current_context(silent=True))
        parse_binds(self.bind)
        check_shots(self.shots)
        Budget.of(self.budget)
        Requirements.of(self.require)
        if self.seed is not None:
            check_seed(self.seed)

    @contextmanager
    def nodes(self) -> Iterator[QPURegistry]:
        """The cluster that the arguments name; its providers are closed at the end.

        Raises:
            QCOSError: it cannot be built.
        """
        with nodes_of(self.on, self.cluster) as registry:
            yield registry

    @property
    def require(self) -> dict[str, Any]:
        """Which nodes may be used."""
        return {
            "tags": self.require_tag,
            "exclude": self.exclude,
            "min_fidelity": self.min_fidelity,
        }

    def arguments(self) -> dict[str, Any]:
        """The arguments of ``DistributedQVM.plan`` and ``run`` beside the circuits."""
        from qcos_core.cluster.config import parse_options

        return {
            "options": {**({"like": self.like} if self.like else {}), **parse_options(self.option)},
            "shots": self.shots,
            "seed": self.seed,
            "policy": self.policy,
            "strategy": self.strategy,
            "require": self.require,
            "cross_check": self.cross_check,
            "budget": self.budget,
            "name": self.name,
        }

    def circuits(self) -> list[QuantumCircuit | VirtualCircuitSpec]:
        """The circuits of all files, in order, with the values of their parameters.

        Raises:
            InvalidArguments: a file that cannot be read, or parameters and values that do not
                match.
        """
        read = [circuit for file in self.files for circuit in _read(file)]
        return bound(read, parse_binds(self.bind))

    def command_line(self, seed: int) -> list[str]:
        """The shell command that runs the same again, as lines."""
        groups = [["qcos", "run"], *([file] for file in self.files)]
        for name, values in (
            ("--on", self.on),
            ("--cluster", () if self.cluster is None else (self.cluster,)),
            ("--shots", (str(self.shots),)),
            ("--seed", (str(seed),)),
            ("--policy", () if self.policy == POLICY else (self.policy,)),
            ("--strategy", () if self.strategy == STRATEGY else (self.strategy,)),
            ("--require-tag", self.require_tag),
            ("--exclude", self.exclude),
            ("--min-fidelity", () if self.min_fidelity is None else (f"{self.min_fidelity!r}",)),
            ("--bind", self.bind),
            ("--like", (self.like,) if self.like else ()),
            ("--option", self.option),
            ("--budget", () if self.budget is None else (self.budget,)),
            ("--name", () if self.name is None else (self.name,)),
            ("--tag", self.tag),
        ):
            groups += [[name, value] for value in values]
        if self.cross_check:
            groups.append(["--cross-check"])
        return shell_lines(groups)


@contextmanager
def nodes_of(on: Sequence[str], cluster: str | None) -> Iterator[QPURegistry]:
    """The cluster that ``--on`` and ``--cluster`` name; its providers are closed at the end.

    Raises:
        QCOSError: it cannot be built.
    """
    from qcos_core.cluster.config import default_cluster, load_cluster, parse_slots

    if cluster is not None:
        builder = load_cluster(cluster)
    else:
        builder = parse_slots(on) if on else default_cluster()
    keys = ", ".join(dict.fromkeys(slot.key for slot in builder.slots))
    try:
        registry = builder.build()
    except QCOSError:
        raise
    # a provider is other people's code
    except Exception as error:
        message = f"{keys}: building the nodes failed: {type(error).__name__}: {error}."
        raise JobFailed(message) from error
    with registry:
        yield registry


def shell_lines(groups: Sequence[Sequence[str]]) -> list[str]:
    r"""Words quoted for a shell, over as many lines of 80 columns as they need.

    Lines but the last end in ``\``. A word that is too long for a line goes on at the very
    beginning of the next one, where the shell joins it again.

    Args:
        groups: words that stand on one line where they can.
    """
    lines, line = [], " "
    for group in groups:
        whole = shlex.join(group)
        words = [[whole]] if len(whole) <= _PIECE else [_pieces(word) for word in group]
        for first, *others in words:
            if len(line) + len(first) + 3 > WIDTH:
                lines.append(f"{line} \\")
                line = "    "
            line += f" {first}"
            for piece in others:
                lines.append(f"{line}\\")
                line = piece
    return [*lines, line]


def _pieces(word: str) -> list[str]:
    """A word cut into pieces that are quoted one by one, and together are the word."""
    pieces = [""]
    for char in word:
        if len(shlex.quote(pieces[-1] + char)) > _PIECE:
            pieces.append("")
        pieces[-1] += char
    return [shlex.quote(piece) for piece in pieces]


def _read(file: str) -> list[QuantumCircuit]:
    from qcos_core.circuits.files import load_circuits, parse_circuits

    if file != STDIN:
        return load_circuits(file)
    if sys.stdin.isatty():
        say("reading a circuit from the terminal; Ctrl-D ends it.", err=True)
    circuits = parse_circuits(sys.stdin.buffer.read(), name="standard input")
    for circuit in circuits:
        if _UNNAMED.fullmatch(circuit.name):
            circuit.name = "stdin"
    return circuits
