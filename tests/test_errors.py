"""What every exception of the project promises of its problems."""

from __future__ import annotations

import pickle

from snnctl.errors import LONGEST, ConfigError, Problem


def test_problems_stay_readable_whatever_a_file_quotes() -> None:
    """A key of 2000 characters in an override, and a name of 100 kB."""
    (told,) = ConfigError(Problem("a" * 100_000, f"override network{'[' * 2000}x is not a key", "write")).problems
    assert max(map(len, told)) < 1.2 * LONGEST
    assert told.message.startswith("override network[[") and told.message.endswith("x is not a key")
    assert told.remedy == "write"


def test_short_problems_stay_as_they_are() -> None:
    problem = Problem("recipe.toml:env", "is missing", "add it")
    error = ConfigError(problem, "and this")
    assert error.problems == (problem, Problem("", "and this"))
    assert pickle.loads(pickle.dumps(error)).problems == error.problems
