"""Clusters: nodes bound to their providers, and the ways to make one."""
