"""The reference provider obeys what the kit asks of every provider."""

from qcos_core.testing import Profile, ProviderTests


class TestLocalNumpy(ProviderTests):
    profile = Profile(
        key="local_numpy",
        kwargs={"n_nodes": 2},
        bad_kwargs=[{"n_nodes": 0}, {"max_qubits": "many"}, {"nodes": 2}],
        sdk_modules=["numpy", "qiskit"],
        max_qubits=12,
        mid_circuit=True,
        conditionals=True,
    )
