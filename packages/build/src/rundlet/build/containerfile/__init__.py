"""Containerfiles as values: lines, instructions, words, stages. Pure: nothing is read or run."""
