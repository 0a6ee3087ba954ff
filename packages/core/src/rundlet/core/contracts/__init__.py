"""The contracts: one module per extension point, each the whole specification of it.

A plugin author reads `rundlet.core.hookspecs` and the one module here for the
kind that they write. Clauses in the docstrings (like `STORAGE-APPLY-ATOMIC`)
are quoted by the conformance suites of `rundlet.core.testing`.
"""
