"""Which devices Aer can use on this machine."""

from __future__ import annotations

from functools import cache


@cache
def why_no_gpu() -> str | None:
    """Why Aer cannot use a GPU here; ``None`` if it can.

    Aer accepts ``device="GPU"`` without complaint where there is none, so it is asked for the
    devices it found.
    """
    from qiskit_aer import AerSimulator

    devices = AerSimulator().available_devices()
    if "GPU" in devices:
        return None
    return (
        f"Aer finds no GPU, only {', '.join(devices)}: it needs an NVIDIA driver and the package "
        "qiskit-aer-gpu in place of qiskit-aer"
    )
