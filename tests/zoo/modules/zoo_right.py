"""A provider that does everything right; most animals derive from it what goes wrong."""

from qcos_core import Limits, NodeProvider, NodeType, QPUNodeSpec
from qcos_core.providers.arguments import check_positive

TOKEN = "zoo-secret-token"


def sample(circuit, shots, seed):
    """Counts by the reference simulator, whose keys have no spaces."""
    from qcos_core.circuits.numpy_simulator import sample

    return sample(circuit, shots, seed)


class Right(NodeProvider):
    """Runs circuits on the reference simulator, in a thread."""

    DISPLAY_NAME = "Right"

    def build_nodes(self, n_nodes=2, token="", host="zoo.example"):
        check_positive(n_nodes=n_nodes)
        return [
            QPUNodeSpec(f"right-{i}", NodeType.OTHER, 20, credentials={"token": token})
            for i in range(n_nodes)
        ]

    @classmethod
    def estimate_nodes(cls, **kwargs):
        return {"right": kwargs.get("n_nodes", 2)}

    def limits(self, node):
        return Limits(simulated=True, paid=False, seeded=True)

    def execute(self, circuit, shots, node_spec, seed=None):
        return sample(circuit, shots, seed)


class Describing(Right):
    """Describes nodes and leaves their circuits to the fallback executors."""

    DISPLAY_NAME = "Describing"

    execute = NodeProvider.execute
