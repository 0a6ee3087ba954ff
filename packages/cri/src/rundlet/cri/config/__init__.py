"""Configuration as CRI-O's: `crio.conf` with its drop-ins, flags and CONTAINER_ variables."""
