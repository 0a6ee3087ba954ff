"""The store and the machine as a whole: space used, checks and repairs, reset."""
