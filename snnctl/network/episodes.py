"""What a network that learns keeps from one episode to the next.

Neurons start afresh, spikes under way are gone, generators are seeded by the episode. Of plastic synapses

- weights stay what they have become
- a rule that a modulator drives (:func:`snnctl.network.rules.is_modulated`) forgets traces and eligibilities: what was
  done in an episode has nothing to do with the rewards of the next one
- any other rule keeps its traces and all that it holds of a synapse, such as a running rate

Ticks are counted from 0, so rules that consolidate in a period start it anew.
"""

from __future__ import annotations

from snnctl.network.engine import Engine
from snnctl.network.learning import RuleRow
from snnctl.network.rules import is_modulated, part
from snnctl.network.ticks import State


def another(engine: Engine, state: State, seed: int) -> State:
    """The state at the start of an episode after the one that ended in ``state``, which stays as it is."""
    fresh = engine.initial_state(seed)
    layout = engine.layout
    for group in layout.plastic:
        rows = [layout.rules[number] for number in group.rules]
        driven = [is_modulated(type(layout.rule_examples[row.kind])) for row in rows]
        for row, forgets in zip(rows, driven, strict=True):
            if not forgets:
                for array, where in _kept(engine, row):
                    getattr(fresh, array)[where] = getattr(state, array)[where]
        weight = slice(rows[0].weight, rows[0].weight + group.synapses)
        fresh.synapses[weight] = engine.weights_now(state, rows[0]) if driven[0] else state.synapses[weight]
    return fresh


def _kept(engine: Engine, row: RuleRow) -> list[tuple[str, slice]]:
    """Where traces of a rule, and what it holds of synapses beside the weight, are in a state."""
    cls = type(engine.layout.rule_examples[row.kind])
    sizes = {
        "pre": row.n_pre * len(part(cls, "Pre")._fields),
        "post": row.n_post * len(part(cls, "Post")._fields),
        "shared": len(part(cls, "Shared")._fields),
    }
    found = [("traces", slice(getattr(row, name), getattr(row, name) + size)) for name, size in sizes.items()]
    extra = row.synapses * (len(part(cls, "Synapse")._fields) - 1)
    return [*found, ("synapses", slice(row.extra, row.extra + extra))]
