"""Training: one file an algorithm; run folders, checkpoints and the run that ties them together."""
