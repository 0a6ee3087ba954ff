"""The monitor of shim-v2 runtimes: a small process of ours per container, and per exec session.

It speaks to its starter as conmon does (launch.py), so that the engine has one interface.
"""
