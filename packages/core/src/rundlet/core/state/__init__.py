"""The state: SQLite rows, per-object locks, leases. Imports no driver and no engine module."""
