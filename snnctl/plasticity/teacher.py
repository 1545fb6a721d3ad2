"""What rules with a teacher make of the output and the target of one tick: one error, teach - spike.

Where output and target coincide the error is 0 and nothing changes, whatever the weight and its limits: two changes,
one after the other, would not cancel where the second reads what the first has changed, or at a limit. A rule takes
``Post`` and ``observe`` from here, changes its weights by ``post.error`` in ``fire``, and in ``instruct`` by ``teach``
unless ``post.fired``.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Post(NamedTuple):
    """What became of the neuron in this tick."""

    error: Any  # teach - spike
    fired: Any  # 0 or 1


def observe(c: Any, m: Any, post: Post, _v: Any, spike: Any, teach: Any) -> Post:
    """Output against target."""
    return Post(teach - spike, spike)
