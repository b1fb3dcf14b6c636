from qcos_core.testing import Profile, ProviderTests


class TestAcme(ProviderTests):
    profile = Profile(
        key="acme",
        kwargs={"n_nodes": 2},
        bad_kwargs=[{"n_nodes": 0}, {"nodes": 2}],
        max_qubits=8,
    )
