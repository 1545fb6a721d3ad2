from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.hardware.loihi1 import cores as loihi1_cores


@settings(deadline=None)
@given(st.integers(1, 3000))
def test_axon_bits_follow_the_block_format(n: int) -> None:
    bits = loihi1_cores.axon_bits(n, 8)
    full, rest = divmod(n, 64)
    per_block = -(-(64 * 8 + 10) // 64) * 64
    assert bits == full * per_block + (-(-(rest * 8 + 10) // 64) * 64 if rest else 0)
    assert loihi1_cores.axon_bits(np.array([n, 0]), 24).tolist() == [int(loihi1_cores.axon_bits(n, 24)), 0]
