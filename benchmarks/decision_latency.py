"""One decision of a PopSAN-sized actor: snnctl against snnTorch, PopSAN-style PyTorch and torch.compile.

    python benchmarks/decision_latency.py [--large] --peers-python PATH_TO_A_PYTHON_WITH_TORCH_AND_SNNTORCH

Actor: 17 observations x 10 encoder neurons, 256, 256, 6 x 10 output neurons, T = 5 ticks; with --large 376 x 10, 512,
512, 17 x 10 and 16 ticks. One observation at a time, one thread. Every contender gets the same weights, encoder
(deterministic Gaussian population), decoder and observations. Weights are scaled so that the hidden layers have the
stated activity; only our kernel's time depends on it. Blocks of the contenders alternate; the table gives medians over
blocks. Without the peers' Python only our own times are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

REPEATS = 10
ACTIVITY = 0.2  # of the peers' actor
A_SYN, A_MEM, THRESHOLD = 0.5, 0.75, 0.5
ENCODER_THRESHOLD = 0.999
BLOCKS, BLOCK_S = 41, 0.01
PEERS = Path(__file__).with_name("decision_latency_peers.py")


class Size(NamedTuple):
    """Of an actor."""

    dims: int = 17
    hidden: tuple[int, ...] = (256, 256)
    actions: int = 6
    ticks: int = 5


LARGE = Size(376, (512, 512), 17, 16)


def make_agent(target: float, size: Size = Size()) -> tuple[Any, float]:  # noqa: B008 - it cannot be changed
    """A random actor whose hidden layers spike with about ``target`` probability, and its measured activity."""
    import math

    import numpy as np

    from snnctl.agent.description import AgentDescription, Provenance, Task
    from snnctl.agent.float_controller import FloatController
    from snnctl.agent.folder import Agent
    from snnctl.coding import GaussianPopulation, Normaliser, RateDecoder
    from snnctl.network.description import stack
    from snnctl.neurons import CurrentLif

    dims, hidden_sizes, actions, ticks = size
    tick_s = 1e-3
    neuron = CurrentLif(tau_syn_s=-tick_s / math.log(A_SYN), tau_mem_s=-tick_s / math.log(A_MEM), v_threshold=THRESHOLD)
    network = stack(
        inputs=dims * REPEATS, hidden=hidden_sizes, outputs=actions * 10, neuron=neuron, tick_s=tick_s, ticks=ticks
    )
    task = Task(env_id="none", observation_size=dims, action_size=actions, action_kind="continuous", control_dt_s=0.05)
    description = AgentDescription(
        name="popsan-sized",
        task=task,
        normaliser=Normaliser(),
        encoder=GaussianPopulation(threshold=ENCODER_THRESHOLD),
        network=network,
        decoder=RateDecoder(),
        provenance=Provenance(recipe="none", seed=0),
    )
    rng = np.random.default_rng(0)
    tensors = {
        "normaliser.mean": np.zeros(dims, np.float32),
        "normaliser.std": np.ones(dims, np.float32),
        "encoder.mean": np.tile(np.linspace(-3, 3, REPEATS, dtype=np.float32), (dims, 1)),
        "encoder.width": np.full((dims, REPEATS), 0.15**0.5, np.float32),
        "decoder.weight": rng.normal(0, 0.3, (actions, 10)).astype(np.float32),
        "decoder.bias": np.zeros(actions, np.float32),
        "decoder.low": np.full(actions, -1, np.float32),
        "decoder.high": np.full(actions, 1, np.float32),
    }
    for projection in network.projections:
        shape = network.population(projection.source).size, network.population(projection.target).size
        tensors[f"projection.{projection.source}.{projection.target}.weight"] = rng.normal(
            0, 2.0 / shape[0] ** 0.5, shape
        ).astype(np.float32)
    observations = np.random.default_rng(1).normal(size=(20, dims))
    for population in network.driven:  # layer by layer, the bias that gives the activity
        low, high = -2.0, 2.0
        name = f"population.{population.name}.bias"
        for other in network.driven:
            tensors.setdefault(f"population.{other.name}.bias", np.zeros(other.size, np.float32))
        for _ in range(20):
            tensors[name] = np.full(population.size, (low + high) / 2, np.float32)
            controller = FloatController(Agent(description, tensors))
            rates = []
            for observation in observations:
                controller.act(observation)
                rates.append(controller.activity().spikes[population.name].mean())
            low, high = ((low + high) / 2, high) if np.mean(rates) < target else (low, (low + high) / 2)
    hidden = []
    controller = FloatController(Agent(description, tensors))
    for observation in observations:
        controller.act(observation)
        hidden += [controller.activity().spikes[f"hidden{k}"].mean() for k in (1, 2)]
    return Agent(description, tensors), float(np.mean(hidden))


def block_us(act: Any, observations: Any) -> float:
    """Microseconds a decision over one block."""
    count, start = 0, time.perf_counter()
    while True:
        for observation in observations:
            act(observation)
        count += len(observations)
        elapsed = time.perf_counter() - start
        if elapsed > BLOCK_S:
            return elapsed / count * 1e6


class Peers:
    """The peers' process: one line in, one line out, so that its blocks alternate with ours."""

    def __init__(self, python: str, agent: Any, observations: Any) -> None:
        import numpy as np

        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "actor.npz"
        np.savez(path, observations=observations, **agent.tensors)
        constants = {
            "ticks": agent.description.spiking_network.ticks, "a_syn": A_SYN, "a_mem": A_MEM, "threshold": THRESHOLD,
            "encoder_threshold": ENCODER_THRESHOLD, "block_s": BLOCK_S,
        }  # fmt: skip
        self._process = subprocess.Popen(
            [python, str(PEERS), str(path), json.dumps(constants)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hello = self.ask(None)

    def ask(self, name: str | None) -> dict[str, Any]:
        """The answer to one request; None only waits for the greeting."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if name is not None:
            self._process.stdin.write(name + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the peers' process ended; its message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()


def cpu_model() -> str:
    """The processor in words."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="376 observations, 512-512, 17 actions, 16 ticks")
    parser.add_argument("--peers-python", default=os.environ.get("SNNCTL_PEERS_PYTHON"))
    options = parser.parse_args()

    import numpy as np

    from snnctl import runtime
    from snnctl.agent.float_controller import FloatController

    size = LARGE if options.large else Size()
    observations = np.random.default_rng(2).normal(size=(50, size.dims))
    ours = {}
    for target in (0.05, 0.2, 0.5):
        agent, activity = make_agent(target, size)
        ours[f"snnctl, {activity:.0%} activity"] = (FloatController(agent).act, agent)
        if target == ACTIVITY:
            ours[f"snnctl, {activity:.0%} activity, 8-bit weights"] = (
                FloatController(agent, weights="int8").act,
                agent,
            )
    reference = next(name for name in ours if "20%" in name or "19%" in name or "21%" in name)
    times: dict[str, list[float]] = {name: [] for name in ours}
    for act, _ in ours.values():
        block_us(act, observations)
    peers, agreement = None, {}
    if options.peers_python and Path(options.peers_python).exists():
        agent = ours[reference][1]
        peers = Peers(options.peers_python, agent, observations)
        expected = np.array([FloatController(agent).act(o) for o in observations])
        agreement = {
            n: float(np.mean(np.abs(np.array(a) - expected) < 1e-4)) for n, a in peers.hello["actions"].items()
        }
        times |= {name: [] for name in peers.hello["actions"]}
    else:
        print("no --peers-python (or SNNCTL_PEERS_PYTHON): peers skipped", file=sys.stderr)
    for _ in range(BLOCKS):
        for name, (act, _) in ours.items():
            times[name].append(block_us(act, observations))
        for name in agreement:
            assert peers is not None
            times[name].append(peers.ask(name)["us"])
    if peers is not None:
        peers.close()

    medians = {name: statistics.median(values) for name, values in times.items()}
    print(
        f"{cpu_model()}, {os.cpu_count()} CPUs seen, one thread; "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )
    if peers is not None:
        print(", ".join(f"{k} {v}" for k, v in peers.hello["versions"].items()))
    print(f"OPENBLAS_CORETYPE {runtime.report()['OPENBLAS_CORETYPE']}\n")
    print("| contender | us per decision (median) | fastest, slowest block | median, fastest / ours | same actions |")
    print("|---|---|---|---|---|")
    for name, median in medians.items():
        same = f"{agreement[name]:.0%}" if name in agreement else ""
        print(
            f"| {name} | {median:.2f} | {min(times[name]):.2f}, {max(times[name]):.2f} "
            f"| {median / medians[reference]:.1f}, {min(times[name]) / min(times[reference]):.1f} | {same} |"
        )


if __name__ == "__main__":
    main()
