"""Speed beside Debian's peers: both run the same work, interleaved, in one process.

Absolute times on a shared machine are noise: the ratio of medians within one run is what counts.
"""
