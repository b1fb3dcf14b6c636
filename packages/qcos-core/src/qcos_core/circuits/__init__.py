"""What QCOS does with Qiskit circuits themselves: read them, look at them, rewrite them."""
