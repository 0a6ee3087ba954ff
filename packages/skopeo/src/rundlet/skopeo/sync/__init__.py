"""`sync`: which images there are, and copying them side by side."""
