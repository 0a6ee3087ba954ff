"""Healthchecks: what is checked (plan), how it went (record), one check (check), when (timer)."""
