"""Populations and projections, the order of a tick, and the float engine that runs them."""
