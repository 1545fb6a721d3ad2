"""Every machine on every network of the list, and on random ones: refused by its own sentence, or run alike."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance import table
from tests.conformance.machines import MACHINES, Machine
from tests.conformance.programs import CASES, random_case
from tests.interpreted import INTERPRETED

RANDOM = 12 if INTERPRETED else 200
SHARE = 0.6  # of the random programs that a machine takes at least
by_machine = pytest.mark.parametrize("machine", MACHINES, ids=[machine.name for machine in MACHINES])


def same(machine: Machine, found: list[np.ndarray], expected: list[np.ndarray], labels: list[str]) -> None:
    for label, ours, theirs in zip(labels, found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{machine.name}: spikes of {label}")


@by_machine
@pytest.mark.parametrize("name", CASES)
def test_a_network_is_refused_by_name_or_runs_as_the_reference(machine: Machine, name: str) -> None:
    case = CASES[name]
    problems = machine.refuses(case.program)
    if problems:
        assert name not in machine.minimum, [str(problem) for problem in problems]
        assert all(problem.where and problem.message and problem.remedy for problem in problems)
        return
    if case.signal == "analog" or case.reads == "membranes":
        return  # what is special is at the borders: tests/agent
    expected = machine.expected(case)
    assert all(raster.any() for raster in expected)  # silence would compare nothing
    same(machine, machine.run(case), expected, [node.label for node in case.program.nodes])


@by_machine
def test_random_programs_run_as_the_reference(machine: Machine) -> None:
    accepted = spikes = 0
    for seed in range(RANDOM):
        case = random_case(seed, machine.menu)
        if machine.refuses(case.program):
            continue
        accepted += 1
        expected = machine.expected(case)
        spikes += sum(int(raster.sum()) for raster in expected)
        same(machine, machine.run(case), expected, [f"{node.label}, seed {seed}" for node in case.program.nodes])
    print(f"\n{machine.name}: {accepted} of {RANDOM} random programs accepted ({100 * accepted / RANDOM:.0f} %)")
    assert accepted >= (1 if INTERPRETED else SHARE * RANDOM)  # a dozen are too few for a share
    assert spikes > 10 * accepted


def test_the_table_in_the_docs_is_that_of_the_suite() -> None:
    page = table.PAGE.read_text(encoding="utf-8")
    assert page == table.written(page), "run python -m tests.conformance.table"
