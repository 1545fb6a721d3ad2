"""Cycles of Xylo by the vendor's count, told as such; energy is not priced and no report ranks by it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from snnctl import hardware
from snnctl.agent import folder
from snnctl.cli.main import call
from snnctl.coding import ChoiceDecoder, GaussianPopulation
from snnctl.hardware import chip, family
from tests import factories
from tests.conformance.programs import Edge, case
from tests.hardware.xylo.test_rules import SOFT

XYLO = chip.load("xylo")


def test_cycles_of_a_decision_are_those_of_the_formula() -> None:
    edges = [Edge("in", "a"), Edge("a", "a", 1), Edge("a", "out")]
    made = case({"in": 3, "a": 5, "out": 2}, edges, neurons={"a": SOFT, "out": SOFT}, ticks=4)
    made.tensors["projection.a.a.weight"][:] = np.triu(np.ones((5, 5)), 1) / 8  # 4, 3, 2, 1 and 0 synapses
    fit = hardware.fit(made.program, XYLO)
    rasters = [np.zeros((4, n), np.uint8) for n in (3, 5, 2)]
    rasters[0][:2, 0] = 7  # two ticks with spikes
    rasters[1][0, 0] = 31
    rasters[1][1, 1] = 1
    each = 3 * 1 + 5 * (3 + 19) + 2 * 12
    cycles = 5 * each + 2 * 5 * 3.5 + (4 + 3) * 7 + 2 * (1 + 2 * 8 + 3)  # 5 ticks: 4 and a hop
    cost = family.cost(fit).decision(rasters, 0.02)
    assert cost.ticks == 5 and cost.latency_s == {"ticks": pytest.approx(cycles * 20e-9)}
    assert cost.notes[0] == f"{cycles:.0f} cycles in the last decision: vendor software, unsourced"
    assert {c.status for c in cost.constants} == {"unsourced", "assumed"}
    assert cost.counts.spikes == 14 + 32 and cost.counts.synaptic_ops == 14 * 5 + 31 * (4 + 2) + (3 + 2)
    assert math.isnan(cost.power().at("chip")) and math.isnan(cost.power().at("dynamic"))


def test_an_evaluation_says_that_power_is_not_known_and_holds_no_limit_of_it(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    agent = factories.agent(
        encoder=GaussianPopulation(neurons_per_dim=4),
        hidden=(12,),
        neuron=SOFT,
        decoder=ChoiceDecoder(neurons_per_action=4),
    )
    folder.save(agent, tmp_path / "small")
    code = call(["evaluate", "small", "--chip", "xylo", "--episodes", "2", "--power", "1W", "--latency", "1s"])
    out = capsys.readouterr().out
    assert code == 1
    assert "not priced" in out and "vendor software, unsourced" in out
    assert (
        "Power is not known: no energy of an event on this chip has a source, so no limit of 1.00 W can be said to hold"
        in out
    )
    assert "PASS  Latency holds" in out
    (data,) = [json.loads(path.read_text()) for path in Path("runs/evaluations").glob("*.json")]
    assert data["power"]["total_chip_w"] is None and data["energy"]["dynamic_j"] is None
    assert [verdict["holds"] for verdict in data["verdicts"]] == [False, True]
    (page,) = Path("runs/evaluations").glob("*.html")
    assert "Power and energy are not priced" in page.read_text()
    (path,) = Path("runs/evaluations").glob("*.json")
    assert call(["plot", str(path)]) == 2
    assert "holds no energy" in capsys.readouterr().err
