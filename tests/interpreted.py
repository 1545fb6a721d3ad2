"""Whether the kernels run interpreted (NUMBA_DISABLE_JIT=1), about a thousand times slower than compiled."""

import numba

INTERPRETED = bool(numba.config.DISABLE_JIT)
