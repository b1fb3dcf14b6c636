"""The distributed quantum virtual machine: plan, execute, reconstruct."""
