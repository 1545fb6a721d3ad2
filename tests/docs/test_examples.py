"""Every script of docs/examples runs, draws its figure, and prints the numbers that the pages state."""

import importlib.util
import sys
from pathlib import Path

import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
SCRIPTS = sorted((DOCS / "examples").glob("*.py"))

# script -> what it prints, and the page with the words that say so (numbers that no rounding of a libm can move)
STATED = {
    "analog_codes": [
        ("z = 0.5: tanh 0.924, clip 1.000", "coding/analog_decoder.md", "0.924 with `tanh` and 1.000 with `clip`"),
        ("3 changes of the action", "coding/argmax.md", "the action changes 3 times"),
    ],
    "alif_adaptation": [("first interval 4 ms, last 9 ms", "neurons/alif.md", "from 4 to 9 ms")],
    "coba_schemes": [
        ("exponential_midpoint: order 2.000", "neurons/coba_lif.md", "| `exponential_midpoint` | 2.00 |"),
        ("exponential_euler: order 1.004", "neurons/coba_lif.md", "| `exponential_euler` | 1.00 |"),
        ("rk4: order 4.016", "neurons/coba_lif.md", "| `rk4` | 4.02 |"),
    ],
    "dopamine_reinforcement": [  # bit for bit: no function of a libm is in it
        (
            "rewarded 130 releases; n1 -> n2 in the last 5 min 3.94 of 4 (top 0.7 %",
            "plasticity/dopamine_stdp.md",
            "in the last five minutes is 3.94 against 0.25",
        ),
        ("random 130 releases; n1 -> n2 in the last 5 min 0.25 of 4", "plasticity/dopamine_stdp.md", "130 rewards"),
    ],
    "encoders": [
        ("8.18     0.1089  0.2841", "coding/README.md", "| Bernoulli | 8.18 | 0.109 | 0.284 |"),
        ("5.85     0.2115  0.6257", "coding/README.md", "| 5.85 | 0.212 | 0.626 |"),
        ("7.82     0.0022  0.0038", "coding/README.md", "| 7.82 | 0.0022 | 0.0038 |"),
    ],
    "decoders": [
        ("0.29    0.097    0.041    0.019   0.0094   0.0046", "coding/first_spike.md", "0.0046 with 64"),
        ("deviation before it 0.0627 (equation 0.0632)", "coding/filtered_rate.md", "0.0627"),
    ],
    "injected_currents": [("variance 0.1631 (exact 0.16)", "neurons/currents.md", "0.1631, exact 0.16")],
    "lif_fi_curve": [
        ("rheobase 0.1875 nA", "neurons/delta_lif.md", "Rheobase 0.1875 nA"),
        ("11.545 Hz without, 11.285 Hz with 2 ms", "neurons/delta_lif.md", "11.545 Hz (11.285 with 2 ms)"),
        ("2.0 nA: 507.923 Hz", "neurons/delta_lif.md", "2 nA 507.92"),
        ("tick 0.001 s: error -32.60", "neurons/delta_lif.md", "33 %"),
    ],
    "postsynaptic_potentials": [
        ("closed form of cuba_lif: 1.2599 mV after 9.242 ms", "neurons/cuba_lif.md", "0.1 nA is 1.2599 mV"),
    ],
    "readouts": [
        ("last 0.5194, mean 0.3048, maximum 0.5947", "coding/membrane.md", "last 0.5194, mean 0.3048, maximum 0.5947"),
        ("[14, 16, 33], first in tick [5.0, 1.0, 7.0]", "coding/winner_take_all.md", "14, 16 and 33 spikes"),
        ("winner by count 2, by first spike 1", "coding/winner_take_all.md", "`first_spike` action 1"),
        ("rates [0.146, 0.167, 0.344]", "coding/choice.md", "0.146, 0.167 and 0.344 choose action 2"),
        ("0.035 up to 1.5, 0.263 up to 3", "coding/population_vector.md", "| 20 | 0.035 | 0.035 | 0.068 | 0.26 |"),
    ],
    "receptive_fields": [
        ("uniform: activities add up to 1.230 ... 1.460", "coding/gaussian_population.md", "1.230 ... 1.460"),
        ("6 of 49 spike in 20 ticks, 28 spikes", "coding/place_cells.md", "6 of 49 cells spike, 28 spikes"),
        ("within 0.0250 of the observation", "coding/direct_current.md", "within 0.0250"),
    ],
    "resume_learning": [("13 target spikes", "plasticity/resume.md", "13 target spikes")],
    "spike_counts": [
        ("subtract, 32 ticks: largest distance from the clipped ReLU 0.031", "neurons/integrate_and_fire.md", "0.031"),
        ("value, 32 ticks: largest distance from the clipped ReLU 0.500", "neurons/integrate_and_fire.md", "up to 0.5"),
        ("Fano factor 0.984", "neurons/poisson.md", "Fano factor 0.984"),
    ],
    "spike_train_distances": [
        ("SPIKE distance: jitter 1 ms 0.023, 10 ms 0.148", "spike_trains.md", "0.023, with 10 ms 0.148"),
        ("half the spikes missing 0.386", "spike_trains.md", "ISI distance 0.386"),
    ],
    "your_own_codes": [
        ("33.4 on the way, 0.0 at rest", "coding/your_own.md", "33.4 input spikes a decision on the way")
    ],
}


@pytest.mark.needs_compiler
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_draws_its_figure_and_prints_what_the_pages_state(script, tmp_path, monkeypatch, capsys):
    if script.stem == "event_camera":
        pytest.importorskip("mujoco")
    picture = tmp_path / f"{script.stem}.png"
    monkeypatch.setattr(sys, "argv", [str(script), "--out", str(picture)])
    spec = importlib.util.spec_from_file_location(f"example_{script.stem}", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    printed = " ".join(capsys.readouterr().out.split())
    with Image.open(picture) as drawn, Image.open(DOCS / "img" / f"{script.stem}.png") as kept:
        assert drawn.size == kept.size
    assert picture.stat().st_size < 150_000
    for words, page, said in STATED.get(script.stem, ()):
        assert " ".join(words.split()) in printed
        assert " ".join(said.split()) in " ".join((DOCS / page).read_text().split()), page


def test_what_is_stated_has_a_script():
    assert set(STATED) <= {script.stem for script in SCRIPTS}


@pytest.mark.needs_compiler
def test_the_balanced_network_goes_on_by_itself_irregularly(monkeypatch):
    """docs/networks.md: about 18 Hz, CV about 1.6; the spikes themselves are chaotic, a libm can move them."""
    monkeypatch.syspath_prepend(str(DOCS / "examples"))
    import balanced_network
    import numpy as np

    from snnctl.spike_trains import irregularity

    network, *populations = balanced_network.build(seed=2)
    network.run(0.6)
    for population in populations:
        trains = [train[train >= 0.2] for train in network.spikes(population).trains(population.size)]
        assert 12 < sum(map(len, trains)) / population.size / 0.4 < 26
        assert sum((train > 0.5).any() for train in trains) > 0.2 * population.size
        assert np.mean([irregularity.cv(1e3 * train) for train in trains if len(train) > 10]) > 0.9
