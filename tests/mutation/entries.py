"""What is mutated: whole and sound entries of every kind, made once in a workspace, and the verbs that read each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests import factories
from tests.interpreted import INTERPRETED

ROOT = Path(__file__).parents[2]
RECIPES = ("cartpole-ppo", "balancer-ppo", "cartpole-rstdp", "pendulum-sac", "pendulum-v1-td3", "half-cheetah-td3")


class Subject(NamedTuple):
    """A sound entry: a folder with one thing in it, its files that are mutated, and what reads it."""

    kind: str
    folder: Path
    files: list[str]
    verbs: tuple[tuple[str, ...], ...]  # arguments of snnctl in the folder; ("decide", NAME) runs an agent's decisions


def subjects(workspace: Path, kinds: tuple[str, ...]) -> list[Subject]:
    """Sound entries of these kinds, below ``workspace``."""
    makers: dict[str, Callable[[Path], list[Subject]]] = {
        "agent": _agents, "recipe": _recipes, "chip": _chips, "budget": _budgets, "space": _spaces, "robot": _robots,
        "recording": _recordings, "run": _runs, "policy": _policies,
    }  # fmt: skip
    return [subject for kind in kinds for subject in makers[kind](workspace / kind)]


KINDS = ("agent", "recipe", "chip", "budget", "space", "robot", "recording", "run", "policy")


def _placed(source: Path, folder: Path, name: str) -> Path:
    """A folder that holds nothing but a copy of ``source``, called ``name``."""
    folder.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, folder / name)
    else:
        shutil.copy(source, folder / name)
    return folder


def _agents(base: Path) -> list[Subject]:
    from snnctl.agent import folder

    made = []
    for name in ("cartpole-ppo", "cartpole-rstdp", "balancer-ppo"):
        made.append(_placed(ROOT / "agents" / name, base / name, "entry"))
    for name, agent in _coded().items():
        (base / name).mkdir()
        folder.save(agent, base / name / "entry")
        made.append(base / name)
    verbs: tuple[tuple[str, ...], ...] = (
        ("decide", "entry"), ("decide", "entry"), ("check", "entry", "--kind", "agent", "--json"), ("show", "entry"),
        ("fit", "entry", "--chip", "loihi1"), ("fit", "entry", "--chip", "spinnaker1"),
        ("run", "entry", "--episodes", "1", "--max-steps", "3"),
        ("run", "entry", "--episodes", "1", "--max-steps", "3", "--learn"),
        ("evaluate", "entry", "--chip", "loihi1", "--episodes", "1", "--out", "e.json"),
    )  # fmt: skip
    verbs = verbs[:3] if INTERPRETED else verbs
    files = ["entry/agent.toml", "entry/weights.safetensors"]
    return [Subject("agent", folder, files, verbs) for folder in made]


def _coded() -> dict[str, factories.Agent]:
    """Agents of codes and networks that no trained one has."""
    from snnctl import coding
    from snnctl.network.description import NetworkDescription, Population, Projection
    from snnctl.neurons import CurrentLif

    neuron = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002)
    parts = {
        "place": (coding.PlaceCells(grid=(3, 3, 3)), coding.RateDecoder(), 2),
        "latency": (coding.Latency(), coding.PopulationVectorDecoder(), 2),
        "phase": (coding.Phase(period=6), coding.MembraneDecoder(), 2),
        "delta": (coding.SendOnDelta(), coding.WinnerTakeAllDecoder(), 2),
        "burst": (coding.Burst(), coding.FirstSpikeDecoder(), 2),
        "poisson": (coding.Poisson(), coding.FilteredRateDecoder(), 2),
        "direct": (coding.DirectCurrent(), coding.ArgmaxDecoder(), 2),
    }
    agents = {name: factories.coded(decoder, actions, encoder) for name, (encoder, decoder, actions) in parts.items()}
    network = NetworkDescription(
        tick_s=1e-3, ticks=5, decision="streaming",
        populations=(Population(name="input", size=30), Population(name="output", size=20, neuron=neuron)),
        projections=(
            Projection(source="input", target="output", connectivity="sparse", delay_ticks=1),
            Projection(source="output", target="output", connectivity="sparse", delay_ticks=2),
        ),
    )  # fmt: skip
    draws = np.random.default_rng(0)
    tensors: dict[str, np.ndarray] = {}
    for projection, size in zip(network.projections, (30, 20), strict=True):
        tensors[projection.indptr_name] = np.arange(size + 1, dtype=np.int32) * 2
        tensors[projection.indices_name] = draws.integers(20, size=2 * size).astype(np.int32)
        tensors[projection.weight_name] = draws.normal(size=2 * size).astype(np.float32)
        tensors[projection.delay_name] = draws.integers(1, 5, size=2 * size).astype(np.int32)
    agents["sparse"] = factories.agent(factories.task(3, 2), network=network, tensors=tensors)
    return agents


def _file(base: Path, sources: list[Path], kind: str, verbs: tuple[tuple[str, ...], ...]) -> list[Subject]:
    return [
        Subject(kind, _placed(source, base / source.stem, "entry.toml"), ["entry.toml"], verbs) for source in sources
    ]


def _recipes(base: Path) -> list[Subject]:
    sources = [ROOT / "configs" / "train" / f"{name}.toml" for name in RECIPES]
    entry = ("entry.toml", "--kind", "recipe")
    return _file(base, sources, "recipe", (("check", *entry, "--json"), ("check", *entry, "--json"), ("show", *entry)))


def _chips(base: Path) -> list[Subject]:
    entry = ("entry.toml", "--kind", "chip")
    verbs: tuple[tuple[str, ...], ...] = (
        ("check", *entry, "--json"), ("show", *entry), ("fit", "cartpole-ppo", "--chip", "entry.toml"),
        ("fit", "cartpole-rstdp", "--chip", "entry.toml"),
        ("evaluate", "cartpole-ppo", "--chip", "entry.toml", "--episodes", "1", "--out", "e.json"),
    )  # fmt: skip
    return _file(base, sorted((ROOT / "configs" / "chips").glob("*.toml")), "chip", verbs)


def _budgets(base: Path) -> list[Subject]:
    entry = ("entry.toml", "--kind", "budget")
    verbs: tuple[tuple[str, ...], ...] = (("check", *entry, "--json"), ("show", *entry))
    return _file(base, sorted((ROOT / "configs" / "budgets").glob("*.toml")), "budget", verbs)


def _spaces(base: Path) -> list[Subject]:
    ranges = base / "ranges.toml"
    base.mkdir(parents=True)
    ranges.write_text(
        'recipe = "cartpole-ppo"\n[keys]\n"trainer.lr" = { low = 1e-4, high = 1e-2, log = true, steps = 3 }\n'
        '"network.ticks" = { low = 3, high = 9, integer = true }\n'
    )
    entry = ("entry.toml", "--kind", "space")
    verbs: tuple[tuple[str, ...], ...] = (("check", *entry, "--json"), ("show", *entry), ("plan", "entry.toml"))
    found = _file(base, [*sorted((ROOT / "configs" / "sweeps").glob("*.toml")), ranges], "space", verbs)
    ranges.unlink()
    return found


def _robots(base: Path) -> list[Subject]:
    folder = _placed(ROOT / "envs" / "balancer", base / "balancer", "entry")
    verbs: tuple[tuple[str, ...], ...] = (("check", "entry", "--kind", "env", "--json"), ("show", "entry"))
    return [Subject("robot", folder, ["entry/task.toml", "entry/robot.xml"], verbs)]


def _policies(base: Path) -> list[Subject]:
    """Files of other libraries: each in a folder with its normaliser and its recorded actions, where it has them."""
    data, found = ROOT / "tests" / "data" / "policies", []
    for name in ("ppo-cartpole.zip", "sac-sde.zip", "sac-pendulum-clip5.zip", "crossq.zip", "ppo-pendulum.zip",
                 "relu-tanh.pt", "relu-tanh.safetensors", "rsl-elu.onnx", "silu.onnx", "norm-clip.onnx"):  # fmt: skip
        source = data / name
        folder = base / name
        folder.mkdir(parents=True)
        files = {source: f"p{source.suffix}", source.with_suffix(".npz"): "r.npz", source.with_suffix(".pkl"): "n.pkl"}
        for file, copy in files.items():
            if file.exists():
                shutil.copy(file, folder / copy)
        inside = sorted(path.name for path in folder.iterdir())
        words = ["import", f"p{source.suffix}", "--out", "o", "--check", "r.npz"]
        words += ["--env", "CartPole-v1" if "cartpole" in name else "Pendulum-v1"]
        words += ["--normaliser", "n.pkl"] if "n.pkl" in inside else []
        words += ["--activation", "relu", "--squash", "tanh"] if name.startswith("relu-tanh") else []
        found.append(Subject("policy", folder, [*inside, f"p{source.suffix}"], ((*words,),)))
    return found


def _recordings(base: Path) -> list[Subject]:
    from snnctl.cli import main

    base.mkdir(parents=True)
    made = []
    for name, agent, more in (("learnt", "cartpole-rstdp", ["--learn"]), ("robot", "balancer-ppo", [])):
        (base / name).mkdir()
        main.call(["run", agent, "--episodes", "2", "--max-steps", "12", "--record", str(base / name / "r.h5"), *more])
        made.append(base / name)
    verbs: tuple[tuple[str, ...], ...] = (
        ("plot", "r.h5", "--out", "x.svg"), ("plot", "r.h5", "--figure", "latency", "--out", "x.svg"),
        ("replay", "r.h5"), ("replay", "r.h5"),
    )  # fmt: skip
    return [Subject("recording", folder, ["r.h5"], verbs) for folder in made]


def _runs(base: Path) -> list[Subject]:
    from snnctl.cli import main

    base.mkdir(parents=True)
    few = ["evaluation.episodes=2", "evaluation.final_episodes=2", "evaluation.envs=1", "evaluation.every_steps=64"]
    trainings = {
        "ppo": ["cartpole-ppo", "trainer.total_steps=128", "trainer.envs=2", "trainer.rollout_steps=32",
                "trainer.minibatch=32", "trainer.epochs=1", "evaluation.stop_return=none"],
        "rstdp": ["cartpole-rstdp", "trainer.total_steps=100", "trainer.total_episodes=4",
                  "trainer.episodes_per_update=2", "evaluation.stop_return=none"],
        "sac": ["pendulum-sac", "trainer.total_steps=60", "trainer.start_steps=40", "trainer.report_every=20",
                "trainer.batch=8", "evaluation.stop_return=none"],
    }  # fmt: skip
    files = ["state.json", "state.safetensors", "agent.toml", "weights.safetensors"]
    found = []
    for name, words in trainings.items():
        main.call(["train", *words, *few, "--out", str(base / name), "--name", "run"])
        run = next((base / name).glob("*/run-seed0"))
        place = str(run.relative_to(base / name))
        inside = [f"checkpoints/last/{file}" for file in (*files, *files[:2])]
        inside += ["metrics.jsonl", "evaluations.jsonl", "recipe.toml", "command.txt", "versions.json", "run.lock"]
        inside += ["eval.json", "checkpoints/best/agent.toml"]
        inside += [str(p.relative_to(run)) for p in sorted((run / "checkpoints").glob("*.rows"))]
        resume = ("train", "--resume", place)
        verbs: tuple[tuple[str, ...], ...] = (
            resume, resume, resume, ("plot", place, "--out", "x.svg"), ("list", "runs", "--out", "."),
            ("plot", place, "--figure", "learning", "--out", "x.svg"), ("show", place),
            ("plot", f"{place}/eval.json", "--out", "x.svg"),
        )  # fmt: skip
        found.append(Subject("run", base / name, [f"{place}/{file}" for file in inside], verbs))
    return found
