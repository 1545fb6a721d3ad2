"""What an agent is: environment, encoder, network, decoder, normaliser and where it came from.

An agent folder is ``agent.toml`` (this schema) + ``weights.safetensors`` + ``README.md`` (card) +
``eval.json``. It is complete and holds no code.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from snnctl import coding
from snnctl.agent.learning import Learning
from snnctl.coding import (
    Burst,
    DirectCurrent,
    HashedPlaceCells,
    MembraneDecoder,
    Normaliser,
    Phase,
    WinnerTakeAllDecoder,
)
from snnctl.config import Seconds, schema
from snnctl.errors import Problem
from snnctl.network import description as network_description
from snnctl.network.description import NetworkDescription

Encoder = Annotated[coding.Encoder, Field(discriminator="kind")]
Decoder = Annotated[coding.Decoder, Field(discriminator="kind")]


@schema
class Task:
    """The environment that the agent was made for."""

    env_id: str
    observation_size: Annotated[int, Gt(0)]
    action_size: Annotated[int, Gt(0)]  # dimensions of a continuous action, or number of choices
    action_kind: Literal["continuous", "discrete"]
    control_dt_s: Annotated[Seconds, Gt(0)]
    env_version: int | None = None  # as registered; a robot folder's own, where the id has none
    env_kwargs: dict[str, bool | int | float | str] = field(default_factory=dict)  # it was made with these


@schema
class Provenance:
    """Where the weights came from, enough to make them again."""

    recipe: str
    seed: Annotated[int, Ge(0)]
    steps: Annotated[int, Ge(0)] = 0
    command: str = ""
    weights_sha256: str = ""
    git: str = ""
    versions: dict[str, str] = field(default_factory=dict)


@schema
class AgentDescription:
    """Everything about a controller except its tensors."""

    schema: Literal[1] = 1
    name: str
    task: Task
    normaliser: Normaliser
    encoder: Encoder
    network: NetworkDescription
    decoder: Decoder
    provenance: Provenance
    learning: Learning | None = None  # how it goes on learning while it acts, if it can


def reads_membranes(decoder: coding.Decoder) -> bool:
    """Whether the decoder needs the output population's membranes besides, or instead of, its spikes."""
    return isinstance(decoder, MembraneDecoder) or (
        isinstance(decoder, WinnerTakeAllDecoder) and decoder.by == "membrane"
    )


def tensor_shapes(agent: AgentDescription) -> dict[str, tuple[int | None, ...]]:
    """Name and shape of every tensor that the agent must have; None is a size the file decides."""
    dims, actions = agent.task.observation_size, agent.task.action_size
    shapes: dict[str, tuple[int | None, ...]] = {"normaliser.mean": (dims,), "normaliser.std": (dims,)}
    shapes |= agent.encoder.tensor_shapes(dims) | agent.decoder.tensor_shapes(actions)
    sizes = {p.name: p.size for p in agent.network.populations}
    for population in agent.network.driven:
        shapes[f"population.{population.name}.bias"] = (population.size,)
    for projection in agent.network.projections:
        prefix = f"projection.{projection.source}.{projection.target}"
        if projection.connectivity == "dense":
            shapes[f"{prefix}.weight"] = (sizes[projection.source], sizes[projection.target])
        else:
            shapes[f"{prefix}.indptr"] = (sizes[projection.source] + 1,)
            shapes[f"{prefix}.indices"] = (None,)
            shapes[f"{prefix}.weight"] = (None,)
    if agent.learning is not None:
        shapes |= {"critic.weight": (agent.network.inputs[0].size,), "critic.numbers": (6,)}
    return shapes


def problems(agent: AgentDescription, where: str) -> list[Problem]:
    """Contradictions between the parts of a description; empty when it is sound."""
    found = network_description.problems(agent.network, f"{where}:network")
    if found:
        return found
    inputs = agent.network.inputs
    wanted_in = agent.encoder.size(agent.task.observation_size)
    if len(inputs) != 1 or inputs[0].size != wanted_in:
        found.append(
            Problem(
                f"{where}:network.populations",
                f"must have one input population of {wanted_in} neurons for the encoder '{agent.encoder.kind}'",
            )
        )
    wanted_out = agent.decoder.size(agent.task.action_size)
    if agent.network.output.size != wanted_out:
        found.append(
            Problem(
                f"{where}:network.populations",
                f"must end with {wanted_out} neurons for the decoder '{agent.decoder.kind}', "
                f"not {agent.network.output.size}",
            )
        )
    if isinstance(agent.encoder, Phase | Burst) and (misfit := agent.encoder.misfit(agent.network.ticks)):
        key, message, remedy = misfit
        found.append(Problem(f"{where}:encoder.{key}", message, remedy))
    if isinstance(agent.encoder, DirectCurrent):
        for number, projection in enumerate(agent.network.projections):
            for key in ("plasticity", "receptor"):
                if projection.source in {p.name for p in inputs} and getattr(projection, key):
                    message = "is given, but the input is a direct current without spikes"
                    place = f"{where}:network.projections[{number}].{key}"
                    found.append(Problem(place, message, "use an encoder that makes spikes"))
    if isinstance(agent.encoder, HashedPlaceCells) and len(agent.encoder.fields) != agent.task.observation_size:
        message = f"has {len(agent.encoder.fields)} entries"
        remedy = f"give one for each of {agent.task.observation_size} observations"
        found.append(Problem(f"{where}:encoder.fields", message, remedy))
    kind = agent.decoder.action_kind
    if agent.task.action_kind != kind:
        found.append(
            Problem(
                f"{where}:decoder.kind",
                f"'{agent.decoder.kind}' gives {kind} actions, the task takes {agent.task.action_kind} ones",
            )
        )
    return found
