"""The plots of networks show what was recorded: their data are the numbers of the simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from snnctl.errors import InputError
from snnctl.network import Network, SpikeArray
from snnctl.neurons import DeltaLif
from snnctl.plasticity import PairStdp
from snnctl.report import f_i_curve, membrane, network_raster, weights
from snnctl.report.network_raster import Rows

TICK_S = 1e-3


@pytest.fixture(scope="module")
def network() -> Network:
    network = Network(tick_s=TICK_S, seed=1)
    network.population("in", 3, SpikeArray([0.010, 0.020, 0.021, 0.050], [0, 1, 2, 0]))
    network.population("out", 2, DeltaLif())
    synapses = network.project("in", "out", weight=16.0, plasticity=PairStdp(weight_max=20.0))  # one spike is enough
    for name in ("in", "out"):
        network.record(name)
    network.record("out", "v")
    network.record(synapses, "weight", every_s=0.01)
    network.run(0.1)
    return network


def test_a_raster_has_the_spikes_of_its_span_and_their_rates(network: Network) -> None:
    rows = [Rows("out", 2, network.spikes("out"))]
    plot = network_raster.draw(rows, (0.0, 0.04), "Raster", bin_s=10e-3)
    (shown,) = plot.data["populations"]
    recorded = network.spikes("out")
    assert recorded.times_s.max() > 0.04
    inside = recorded.times_s <= 0.04
    assert shown["time_s"] == recorded.times_s[inside].tolist()
    assert shown["neuron"] == recorded.neurons[inside].tolist()
    assert shown["rate_hz"] == [0.0, 100.0, 100.0, 0.0]  # each of two neurons once, in bins of 10 ms
    (dots,) = plot.figure.axes[0].collections
    assert len(dots.get_offsets()) == inside.sum() == 4


def test_a_membrane_is_the_trace_with_lines_at_its_spikes(network: Network) -> None:
    times_s, values = network.trace("out", "v")
    trains = network.spikes("out").trains(2)
    plot = membrane.draw(times_s, values, trains, names=("a", "b"), unit="mV", threshold=-50.0, heading="Membranes")
    for k, neuron in enumerate(plot.data["neurons"]):
        assert neuron["v"] == values[:, k].tolist()
        assert neuron["spikes_s"] == trains[k].tolist()
        line = plot.figure.axes[k].lines[-1]
        np.testing.assert_array_equal(line.get_ydata(), values[:, k])
        (spikes,) = plot.figure.axes[k].collections
        assert [segment[0][0] for segment in spikes.get_segments()] == trains[k].tolist()


def test_the_distribution_of_weights_is_of_all_samples(network: Network) -> None:
    (projection,) = network.description.projections
    times_s, values = network.trace(projection, "weight")
    plot = weights.draw(times_s, values, synapses=(0, 5), limits=(0.0, 20.0), heading="Weights")
    flat = values.reshape(len(times_s), -1)
    assert np.ptp(flat) > 0
    for row, part in zip(flat, plot.data["part"], strict=True):
        assert sum(part) == pytest.approx(1)
        edges = np.array(plot.data["edges"])
        assert [round(p * row.size) for p in part] == [
            int(((row >= a) & ((row < b) | (b == edges[-1]) & (row <= b))).sum()) for a, b in itertools.pairwise(edges)
        ]
    assert plot.data["selected"] == {"0": flat[:, 0].tolist(), "5": flat[:, 5].tolist()}


def test_an_f_i_curve_is_the_closed_form() -> None:
    """rate = 1 / ceil(ticks to threshold): exact integration crosses in the first tick after the closed form does."""
    neuron = DeltaLif(refractory_s=0.0)
    currents = np.array([0.0, 0.15, 0.2, 0.4, 1.0])
    curve = f_i_curve.f_i_curve(neuron, currents, tick_s=1e-4, duration_s=2.0)
    expected = []
    for current in currents:
        drive = current * neuron.resistance_mohm
        distance, start = neuron.v_threshold_mv - neuron.v_rest_mv, neuron.v_reset_mv - neuron.v_rest_mv
        period = neuron.tau_mem_s * math.log((drive - start) / (drive - distance)) if drive > distance else math.inf
        expected.append(1 / period)
    assert curve.rates_hz[0] == curve.rates_hz[1] == 0
    np.testing.assert_allclose(curve.rates_hz, expected, rtol=0.01, atol=0.5)
    plot = f_i_curve.draw([curve], units=("nA",))
    assert plot.data["curves"][0]["rate_hz"] == curve.rates_hz.tolist()


def test_currents_are_found_and_a_tick() -> None:
    tick_s = f_i_curve.tick_of(DeltaLif())
    currents = f_i_curve.currents_of(DeltaLif(), tick_s, count=7)
    assert currents[0] == 0
    assert 0.1875 <= currents[-1] / 3 < 0.25  # just above the rheobase of 0.1875 nA
    with pytest.raises(InputError, match="does not spike"):
        f_i_curve.currents_of(DeltaLif(v_threshold_mv=1e12), tick_s)
