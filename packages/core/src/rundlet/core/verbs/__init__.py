"""Verbs that several programs have: each program's entry points name them."""
