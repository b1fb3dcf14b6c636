"""Simulations in processes of their own.

A simulator may hold the interpreter for a whole run, abort the process, or eat its memory. In a
worker it does that to nobody else: the caller's threads go on, a deadline can be kept by killing
the worker, and a worker that dies is replaced. ``python -m qcos_core.worker`` is one; ``pool``
keeps them warm, ``gate`` shares the machine's cores and memory among them.
"""
