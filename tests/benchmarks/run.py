"""Print how our times compare with what a person would set by hand.

``nox -s benchmarks`` runs all of it; ``-- --json FILE`` writes the figures too. A ratio below 1
means that we are faster. Nothing here passes or fails: a goal that is not met says so. At the end
stands how good the estimates of plans are.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import counts
import durable
import estimates
import planning
import sampling
import simulation
import start

MODULES = {
    "counts": counts,
    "durable": durable,
    "planning": planning,
    "sampling": sampling,
    "simulation": simulation,
    "start": start,
}
REPORTS = {"estimates": estimates}


def main() -> None:
    """Run the chosen modules and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--only", choices=[*MODULES, *REPORTS], help="run one module")
    arguments = parser.parse_args()
    rows: list[object] = []
    if arguments.only not in REPORTS:
        print(f"{'what':32} {'ratio':>6} {'95 %':>13} {'ours':>9} {'peer':>9}  goal")
    for name, module in MODULES.items():
        if arguments.only in (None, name):
            for row in module.benchmarks():
                rows.append(row)
                print(
                    f"{row.name:32} {row.ratio:6.4g} {row.low:6.4g}-{row.high:.4g}"
                    f" {row.ours * 1e3:6.1f} ms {row.theirs * 1e3:6.1f} ms"
                    f"  at most {row.goal:.4g}: {'met' if row.met else 'NOT MET'}"
                    f"\n{'':4}beside {row.peer}{_agreeing(row.fidelity)}"
                )
    for name, report in REPORTS.items():
        if arguments.only in (None, name):
            rows += report.report()
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def _agreeing(fidelity: float | None) -> str:
    return "" if fidelity is None else f"; fidelity {fidelity:.4f}"


if __name__ == "__main__":
    main()
