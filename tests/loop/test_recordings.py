"""Recordings that a stranger made: each is refused with its place, before anything large is read."""

import resource
from pathlib import Path

import h5py
import numpy as np
import pytest

from snnctl.agent.controllers import make
from snnctl.errors import InputError
from snnctl.loop import closed_loop, recorder, recordings
from tests import factories

REWARD, SPIKES = "episode_000/reward", "episode_000/spikes"
STEPS = 4


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "r.h5"
    with recorder.Recorder(path, "CartPole-v1", 0) as taken:
        agent = factories.agent("CartPole-v1", gain=6.0)
        closed_loop.run_episodes(make(agent), "CartPole-v1", [1], max_steps=STEPS, observer=taken)
    return path


def replaced(name, value, **how):
    def change(file):
        del file[name]
        if how:
            file.create_dataset(name, **how)
        else:
            file[name] = value

    return change


def with_attribute(place, name, value):
    def change(file):
        (file[place] if place else file).attrs[name] = value

    return change


def virtual(file):
    layout = h5py.VirtualLayout((STEPS,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (STEPS,))
    del file[REWARD]
    file.create_virtual_dataset(REWARD, layout)


def bomb(file):
    del file[REWARD]
    file.create_dataset(REWARD, (10**9,), "u1", chunks=(10**8,), compression="gzip")[: 10**8] = 0


def without(name):
    def change(file):
        del file[name]

    return change


def spikes(column, function):
    """Replace a column of the input's spikes by a function of it."""

    def change(file):
        name = f"{SPIKES}/input/{column}"
        replaced(name, function(file[name][()]))(file)

    return change


CHANGES = {
    "a large piece for few numbers": (
        replaced(REWARD, None, shape=(STEPS,), maxshape=(None,), chunks=(10**8,), dtype="f8", compression="gzip"),
        "reward",
    ),
    "declared and not stored": (replaced(REWARD, None, shape=(10**10,), dtype="f8", chunks=(10**4,)), "reward"),
    "declared beyond memory": (replaced(REWARD, None, shape=(2**40, 2**20), dtype="f4", chunks=(1, 2**20)), "reward"),
    "packed a thousandfold": (bomb, "reward"),
    "virtual": (virtual, "reward"),
    "elsewhere": (replaced(REWARD, None, shape=(STEPS,), dtype="f8", external=[("/dev/zero", 0, 8 * STEPS)]), "reward"),
    "linked": (replaced(REWARD, h5py.ExternalLink("other.h5", "/x")), "reward"),
    "soft link": (replaced(REWARD, h5py.SoftLink("/")), "reward"),
    "texts": (replaced(REWARD, ["a"] * STEPS), "reward"),
    "complex numbers": (replaced(REWARD, np.zeros(STEPS, "c16")), "reward"),
    "records": (replaced(REWARD, np.zeros(STEPS, [("a", "f8")])), "reward"),
    "nothing": (replaced(REWARD, h5py.Empty("f8")), "reward"),
    "one number": (replaced(REWARD, 3.0), "reward"),
    "another length": (replaced("episode_000/time_s", np.zeros(STEPS)), "time_s"),
    "another dimension": (replaced("episode_000/observation", np.zeros(STEPS + 1)), "observation"),
    "not finite": (replaced("episode_000/time_s", np.full(STEPS + 1, np.nan)), "time_s"),
    "missing": (without(REWARD), "reward"),
    "a group for data": (lambda file: (file.__delitem__(REWARD), file.create_group(REWARD)), "reward"),
    "data for a group": (replaced(f"{SPIKES}/output", np.zeros((7, 4))), "spikes/output"),
    "unknown column": (lambda file: file.create_dataset("episode_000/x", data=[1.0]), "episode_000/x"),
    "critic without TD error": (lambda f: f.create_dataset("episode_000/value", data=np.ones(STEPS)), "td_error"),
    "episode without number": (lambda file: file.create_group("episode_" + "9" * 400), "episode_"),
    "no spikes": (without(SPIKES), "spikes"),
    "spikes of no neuron": (replaced(f"{SPIKES}/input/index", np.full(50, 10**6, np.uint32)), "spikes/input"),
    "spikes of no tick": (spikes("tick", lambda tick: tick + 99), "spikes/input/tick"),
    "negative spikes": (spikes("step", lambda step: -1 - step.astype(int)), "spikes/input/step"),
    "fractions of spikes": (spikes("step", lambda step: step * 1.0), "spikes/input/step"),
    "neurons beyond memory": (with_attribute(f"{SPIKES}/input", "neurons", 2**40), "spikes/input"),
    "ticks beyond memory": (with_attribute(f"{SPIKES}/input", "ticks", 2**62), "spikes/input"),
    "no neurons": (with_attribute(f"{SPIKES}/input", "neurons", -1), "spikes/input"),
    "a place beyond": (with_attribute(f"{SPIKES}/input", "place", 7), "spikes"),
    "a place twice": (with_attribute(f"{SPIKES}/input", "place", 1), "spikes"),
    "text of varying length": (with_attribute("", "agent", "x"), "agent"),
    "texts of varying length": (with_attribute("", "agent", ["x"] * 1000), "agent"),
    "a reference": (lambda file: file.attrs.__setitem__("agent", file.ref), "agent"),
    "a record": (with_attribute("", "agent", np.zeros((), [("a", "f8")])), "agent"),
    "length beyond": (with_attribute("episode_000", "length", 2**60), "length"),
    "seed of text": (with_attribute("episode_000", "seed", np.bytes_("x")), "seed"),
    "period of text": (with_attribute("", "control_dt_s", np.bytes_("x")), "control_dt_s"),
    "period of zero": (with_attribute("", "control_dt_s", 0.0), "control_dt_s"),
    "period not finite": (with_attribute("", "control_dt_s", np.nan), "control_dt_s"),
    "agent of bytes": (with_attribute("", "agent", np.void(b"\xff\xfe")), "agent"),
    "agent in another code": (with_attribute("", "agent", np.bytes_(b"\xff\xfe")), ""),
    "schema of an array": (with_attribute("", "schema", np.arange(3)), ""),
    "schema before": (with_attribute("", "schema", 1), ""),
    "labels of others": (with_attribute("episode_000/observation", "labels", np.bytes_("a")), "observation"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_no_recorder_wrote_is_refused(sound, tmp_path, name):
    change, place = CHANGES[name]
    path = tmp_path / "r.h5"
    path.write_bytes(sound.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as caught:
        recordings.read(path)
    (told,) = caught.value.problems
    assert told.where.startswith(str(path)) and place in told.where and told.remedy and len(str(told)) < 700
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_flipped_bytes_raise_the_projects_exception_or_none(sound, tmp_path):
    raw, draws = sound.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        damaged = bytearray(raw)
        for place in draws.integers(len(raw), size=4):
            damaged[place] = draws.integers(256)
        Path(tmp_path / "r.h5").write_bytes(damaged)
        try:
            recordings.read(tmp_path / "r.h5")
        except InputError as error:
            refused += 1
            assert all(problem.where and problem.remedy for problem in error.problems)
    assert refused > 5


def test_a_sound_recording_is_read(sound):
    (episode,) = recordings.read(sound).episodes
    assert len(episode.columns["reward"]) == STEPS and set(episode.spikes) == {"input", "hidden1", "output"}
