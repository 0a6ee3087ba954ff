"""`rundlet plugin new`: a package for a driver of one's own, whole and passing its tests."""
