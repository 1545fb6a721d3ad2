"""Populations and projections, the order of a tick, and the float engine that runs them."""

from __future__ import annotations

from typing import Any

__all__ = [
    "AllToAll",
    "Convolution",
    "Engine",
    "Explicit",
    "FixedInDegree",
    "FixedProbability",
    "Network",
    "NetworkDescription",
    "Normal",
    "OneToOne",
    "Population",
    "Program",
    "Projection",
    "SpikeArray",
    "Uniform",
    "lower",
    "simulate",
]

_HOMES = {
    "Convolution": "connection",
    "Program": "program",
    "lower": "program",
    "Engine": "engine",
    "Network": "network",
    "NetworkDescription": "description",
    "Population": "description",
    "Projection": "description",
    "SpikeArray": "spike_array",
    "simulate": "isolated",
}


def __getattr__(name: str) -> Any:
    """Import on demand: the submodules compile kernels."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'connectivity')}"), name)
