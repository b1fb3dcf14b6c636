"""Tools for tests of providers and of whatever else returns counts.

``statistics`` says whether counts can come from a distribution, or two sets of counts from one.
"""
