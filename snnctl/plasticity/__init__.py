"""Learning rules that run inside the tick, one file each."""
