"""Emulated chips: data with sources, mapping, quantisation, integer emulators, and the cost of a decision."""
