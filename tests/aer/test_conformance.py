"""The providers of qcos-aer obey what the kit asks of every provider."""

import pytest

from qcos_core.testing import Profile, ProviderTests

BAD_KWARGS = [{"n_nodes": 0}, {"max_qubits": -1}, {"nodes": 2}, {"options": {"methud": "x"}}]
SDK = ["numpy", "qiskit", "qiskit_aer"]


class TestLocalCPU(ProviderTests):
    profile = Profile(
        key="local_cpu",
        kwargs={"n_nodes": 2},
        bad_kwargs=BAD_KWARGS,
        sdk_modules=SDK,
        max_qubits=16,
        mid_circuit=True,
        conditionals=True,
    )


class TestLocalGPUMPS(ProviderTests):
    profile = Profile(
        key="local_gpu_mps",
        kwargs={"n_nodes": 2},
        bad_kwargs=BAD_KWARGS,
        sdk_modules=SDK,
        max_qubits=100,
        mid_circuit=True,
        conditionals=True,
    )


@pytest.mark.optional_part
class TestLocalGPUAer(ProviderTests):
    """Its nodes are offline without a GPU; what needs them online is skipped there."""

    profile = Profile(
        key="local_gpu_aer",
        kwargs={"n_nodes": 2},
        bad_kwargs=BAD_KWARGS,
        sdk_modules=SDK,
        offline="GPU",
        max_qubits=16,
        mid_circuit=True,
        conditionals=True,
    )
