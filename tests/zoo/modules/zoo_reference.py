"""Writes docs/reference/conformance.md: ``python tests/zoo/modules/zoo_reference.py``.

``test_reference.py`` checks that the page is current; that what it says is true, ``test_zoo.py``.
"""

from itertools import groupby
from pathlib import Path

from zoo_all import ANIMALS, JOBS

from qcos_core.testing import JobProviderTests, ProviderTests
from qcos_core.testing.catalogue import checks, markdown

PAGE = Path(__file__).parents[3] / "docs/reference/conformance.md"

TOP = """\
# Conformance

What the kit checks, and which check caught which wrong provider.
[Test a provider](../how-to/test-a-provider.md) says how to use it. This page is written by
`python tests/zoo/modules/zoo_reference.py`; a test checks that it is current.

## Checks

`ProviderTests` has those of Discovery, Nodes, Execution and Cluster; `JobProviderTests` those of
Discovery, Nodes, Execution and Jobs.
"""
ZOO = """
## The zoo

{number} providers that do one thing wrong each. `tests/zoo` runs the whole kit on all of them: the
check named beside each rejects it, and no other does but those under "rejected too". Where first
answers are wrong, checks that could say no more are skipped. Five right providers, the control,
pass everything.
"""


def page():
    """The page."""
    kit = dict.fromkeys([*checks(ProviderTests), *checks(JobProviderTests)])
    lines = [TOP]
    for area, found in groupby(kit, key=lambda check: check.area):
        lines += [
            f"### {area}",
            "",
            "| check | what must hold | what it catches |",
            "|---|---|---|",
        ]
        lines += [f"| `{one.name}` | {one.says} | {mistakes(one)} |" for one in found]
        lines.append("")
    lines[-1] = ZOO.format(number=len(ANIMALS))
    for title, jobs in (("Providers whose calls answer", False), ("Providers of jobs", True)):
        lines += [
            f"### {title}",
            "",
            "| provider | what it does wrong | caught by | rejected too by |",
        ]
        lines.append("|---|---|---|---|")
        lines += [row(one) for key, one in ANIMALS.items() if (key in JOBS) is jobs]
        lines.append("")
    return "\n".join(lines)


def row(animal):
    wrong = markdown(animal.kind.__doc__)
    also = ", ".join(f"`{name}`" for name in sorted(animal.also))
    return f"| `{animal.key}` | {wrong} | `{animal.caught_by}` | {also} |"


def mistakes(check):
    """What a check catches, without the word."""
    return check.catches.removeprefix("Catches ").removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
