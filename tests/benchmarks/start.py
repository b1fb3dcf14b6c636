"""What starting costs: importing the core, and listing providers among many plugins."""

import tempfile
from pathlib import Path

from measure import Comparison, compare, processor, python

PLUGINS = 50
PROVIDER = """
from qcos_core import NodeProvider, QPUNodeSpec
class Provider(NodeProvider):
    DISPLAY_NAME = "Plugin {0}"
    def build_nodes(self):
        return [QPUNodeSpec("n", "other", 1)]
"""


def site(folder: Path) -> str:
    """Fifty installed plugins, one of which cannot be imported."""
    for index in range(PLUGINS):
        name = f"qcos_plugin_{index}"
        source = PROVIDER.format(index) if index else "import no_such_module"
        folder.joinpath(f"{name}.py").write_text(source)
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        entry = f"[qcos.providers]\nplugin{index} = {name}:Provider\n"
        info.joinpath("entry_points.txt").write_text(entry)
    return str(folder)


def benchmarks() -> list[Comparison]:
    """All comparisons of this module."""
    with tempfile.TemporaryDirectory() as folder:
        path = site(Path(folder))
        return [
            compare(
                "import qcos_core",
                "python -c pass",
                lambda i: python("import qcos_core"),
                lambda i: python("pass"),
                goal=4.0,
                pairs=15,
            ),
            compare(
                f"qcos providers, {PLUGINS} plugins",
                'python -c "import importlib.metadata"',
                lambda i: processor(["qcos", "providers"], PYTHONPATH=path),
                lambda i: python("import importlib.metadata", PYTHONPATH=path),
                goal=4.0,
                pairs=15,
            ),
        ]
