"""What a decision of a dense agent asks of the host: multiply-accumulates and memory traffic, counted from its layers.

    macs              sum over layers of n_in n_out
    weight_bytes      4 (n_in n_out + n_out) of each layer: every weight and bias is read once, in float32
    activation_bytes  4 (n_in + n_out) of each layer: its inputs are read, its outputs written

Caches may keep weights from one decision to the next; the traffic counted is that of a machine without them. No energy
is said: that of a multiply-accumulate depends on the host and on where its operands are.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

from snnctl.network.dense import DenseNetwork

NUMBER_BYTES = 4


class HostCost(NamedTuple):
    """Of one decision."""

    macs: int
    weight_bytes: int
    activation_bytes: int

    @property
    def sentence(self) -> str:
        """For a report."""
        traffic = f"{self.weight_bytes} bytes of weights and {self.activation_bytes} bytes of activations"
        return f"a decision on the host: {self.macs} multiply-accumulates, {traffic}"


def cost(network: DenseNetwork) -> HostCost:
    """What one decision costs."""
    pairs = list(itertools.pairwise(network.sizes))
    return HostCost(
        macs=network.multiplications,
        weight_bytes=NUMBER_BYTES * sum(n_in * n_out + n_out for n_in, n_out in pairs),
        activation_bytes=NUMBER_BYTES * sum(n_in + n_out for n_in, n_out in pairs),
    )
