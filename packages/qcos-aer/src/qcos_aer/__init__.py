"""Qiskit Aer as QCOS nodes: ``local_cpu``, ``local_gpu_aer`` and ``local_gpu_mps``."""

__version__ = "0.1.0"
