"""Surrogate gradients: back-propagation through time for stacks of current-based LIF layers, and Adam."""
