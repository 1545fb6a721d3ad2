"""docs/environments.md: the table of wrappers is the slot's, and the table of a recipe is one that opens."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from snnctl import config
from snnctl.agent.environment import EnvChoice
from snnctl.robots import environments
from snnctl.robots.wrappers import WRAPPERS

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text()


def test_every_wrapper_is_in_the_table_with_its_keys() -> None:
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", PAGE, re.MULTILINE)
    stated = {name: set(re.findall(r"`(\w+)`", keys)) for name, keys in rows}
    made = {cls.name: {f.name for f in dataclasses.fields(cls)} - {"name"} for cls in WRAPPERS}
    assert {name: keys for name, keys in stated.items() if name in made} == made


def test_the_environment_of_the_page_opens() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    choice = config.validate(EnvChoice, config.parse_toml(text, "page")["env"], "page")
    env = environments.opened(choice)
    assert environments.task(env, choice).observation_size == 3 * 2
    env.close()
