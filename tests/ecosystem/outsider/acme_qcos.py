from qcos_core import Limits, NodeProvider, NodeType, QPUNodeSpec


class AcmeProvider(NodeProvider):
    DISPLAY_NAME = "Acme state vectors"

    def build_nodes(self, n_nodes=1, max_qubits=8):
        return [QPUNodeSpec(f"acme-{i}", NodeType.OTHER, max_qubits) for i in range(n_nodes)]

    def limits(self, node):
        return Limits(simulated=True, paid=False, seeded=True)

    def execute(self, circuit, shots, node_spec, seed=None):
        from qiskit.primitives import StatevectorSampler

        (result,) = StatevectorSampler(seed=seed).run([circuit], shots=shots).result()
        return result.join_data().get_counts()
