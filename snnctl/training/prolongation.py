"""How a run may change when it is continued: what says how long it trains, and nothing else.

A prolonged run goes on from its newest checkpoint. Learning rates that fall to the planned end follow the new plan from
there on; so its bits are those of no run that was planned that long from its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from snnctl.errors import InputError, Problem
from snnctl.training.recipe import Recipe

ENDS = ("evaluation.stop_return", "evaluation.stop_worst", "evaluation.final_episodes")  # of every recipe

Change = tuple[str, Any, Any]  # dotted key, before, after


def ends(recipe: Recipe) -> frozenset[str]:
    """Dotted keys of a recipe that may be other ones when its run is continued."""
    return frozenset((*ENDS, *(f"trainer.{key}" for key in recipe.trainer.ENDS)))


def require_prolongation(changes: Sequence[Change], recipe: Recipe, where: str) -> None:
    """Refuse every change of the recipe (``run_folder.differences``) beyond :func:`ends`.

    Raises:
        InputError: one problem a key.
    """
    allowed = ends(recipe)
    remedy = f"in a run that goes on, only {', '.join(sorted(allowed))} may change; or train anew"
    found = [Problem(f"{where}:{k}", f"is {new!r:.60}, the run has {old!r:.60}", remedy) for k, old, new in changes]
    if refused := [p for p, (key, _, _) in zip(found, changes, strict=True) if key not in allowed]:
        raise InputError(*refused)


def require_more(steps: int, total_steps: int, recipe: Recipe) -> None:
    """Refuse a plan that a run has reached already.

    Raises:
        InputError: there is nothing left to train.
    """
    if steps >= total_steps:
        keys = " and ".join(f"trainer.{key}" for key in recipe.trainer.ENDS)
        message = f"the run has done {steps} steps, and this plan ends there or before"
        raise InputError(Problem(keys, message, "plan more than it has done"))
