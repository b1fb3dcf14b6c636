from qcos_core import NodeProvider, NodeType, QPUNodeSpec


class AcmeProvider(NodeProvider):
    DISPLAY_NAME = "Acme coin machines"

    def build_nodes(self, n_nodes=1, max_qubits=8):
        return [QPUNodeSpec(f"acme-{i}", NodeType.OTHER, max_qubits) for i in range(n_nodes)]

    def execute(self, circuit, shots, node_spec):
        return {"0" * circuit.num_clbits: shots // 2, "1" * circuit.num_clbits: -(-shots // 2)}
