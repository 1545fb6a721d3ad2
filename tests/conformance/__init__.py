"""One list of networks for every machine: it refuses a network by name, or runs it as the plain reference does."""
