"""Post-mortems of the episodes that a verb plays: written beside its report, and said where."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snnctl.cli import console
from snnctl.errors import ContractError

if TYPE_CHECKING:
    from snnctl.agent.folder import Agent
    from snnctl.loop.episode import Episode
    from snnctl.robots.changes import Change
    from snnctl.robots.post_mortem import Keeper


@contextlib.contextmanager
def kept(folder: Path, agent: Agent, env_id: str, plant: Sequence[Change] = ()) -> Iterator[Keeper]:
    """Within the block, an environment that breaks its contract leaves a post-mortem in ``folder``."""
    from snnctl.agent.environment import EnvChoice
    from snnctl.robots.post_mortem import Keeper

    made_for = agent.description.task
    choice = made_for.env if env_id in ("", made_for.env_id) else EnvChoice(id=env_id)
    keeper = Keeper(folder, choice, [str(change) for change in plant])
    try:
        yield keeper
    except ContractError as error:
        raise keeper.explained(error) from error


def tell(keeper: Keeper, episodes: Sequence[Episode]) -> None:
    """Write those of diverged episodes, as many as are kept, and say how to replay one."""
    for episode in episodes:
        keeper.keep(episode.post_mortem)
    if keeper.kept:
        console.note(f"the last states and actions of diverged episodes: {keeper.folder}")
        console.note(f"replay: snnctl check {keeper.kept[0]}")
