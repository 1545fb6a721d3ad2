"""What an agent is: environment, encoder, network, decoder, normaliser and where it came from.

An agent folder is ``agent.toml`` (this schema) + ``weights.safetensors`` + ``README.md`` (card) +
``eval.json``. It is complete and holds no code; code of others that it names must be trusted (:mod:`snnctl.slots`).
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt
from pydantic import Discriminator, Tag

from snnctl import allocation, slots
from snnctl.agent.environment import EnvChoice, Lag, Wrappers
from snnctl.agent.learning import Learning
from snnctl.agent.needs import needs
from snnctl.coding import Normaliser
from snnctl.config import Seconds, schema
from snnctl.errors import NetworkError, Problem
from snnctl.network import description as network_description
from snnctl.network.dense import DenseNetwork
from snnctl.network.description import NetworkDescription, TensorShape
from snnctl.network.rules import is_modulated, is_taught
from snnctl.plain_table import Table

COMBINE = 'append { name = "combine_choices" } to env.wrappers'

Encoder = Annotated[Any, slots.ENCODERS]
Decoder = Annotated[Any, slots.DECODERS]
Modulator = Annotated[Any, slots.MODULATORS]


def _kind(network: Any) -> str:
    """A dense network says ``kind = "dense"``, one of spikes has no such key."""
    said = network.get("kind") if isinstance(network, dict) else getattr(network, "kind", None)
    return "dense" if said == "dense" else "NetworkDescription"


Network = Annotated[
    Annotated[NetworkDescription, Tag("NetworkDescription")] | Annotated[DenseNetwork, Tag("dense")],
    Discriminator(_kind),
]


@schema
class Task:
    """The environment that the agent was made for."""

    env_id: Annotated[str, slots.ENVIRONMENT]
    observation_size: Annotated[int, Gt(0)]
    action_size: Annotated[int, Gt(0)]  # dimensions of a continuous action, or number of choices
    action_kind: Literal["continuous", "discrete"]
    control_dt_s: Annotated[Seconds, Gt(0)]
    action_choices: tuple[Annotated[int, Gt(0)], ...] = ()  # of several choices at once: how many each has
    env_version: int | None = None  # as registered; a robot folder's own, where the id has none
    env_kwargs: Annotated[Table, slots.PYTHON] = field(default_factory=dict)  # it was made with these
    env_wrappers: Wrappers = ()  # and wrapped in these
    env_delay: Lag = Lag()
    env_jitter: Lag = Lag()

    def __post_init__(self) -> None:
        if self.action_choices and self.action_kind != "discrete":
            raise ValueError("action_choices are of discrete actions")
        if self.action_choices and sum(self.action_choices) != self.action_size:
            raise ValueError(f"action_choices add up to {sum(self.action_choices)}, action_size is {self.action_size}")

    @property
    def choices(self) -> tuple[int, ...]:
        """How many there are of each choice that a discrete action makes; one entry for a plain index."""
        return self.action_choices or (self.action_size,)

    @property
    def env(self) -> EnvChoice:
        """The environment as the agent was made for it."""
        return EnvChoice(
            id=self.env_id,
            kwargs=self.env_kwargs,
            wrappers=self.env_wrappers,
            delay=self.env_delay,
            jitter=self.env_jitter,
        )


@schema
class Provenance:
    """Where the weights came from, enough to make them again."""

    recipe: str
    seed: Annotated[int, Ge(0)]
    steps: Annotated[int, Ge(0)] = 0
    start: str = ""  # name and hash of the agent that training began with; empty: random first weights
    chip: str = ""  # that it was trained for, so that its numbers are those the chip holds; empty: none
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
    network: Network
    decoder: Decoder
    provenance: Provenance
    learning: Learning | None = None  # the fused actor-critic that goes on learning while it acts
    modulator: Modulator | None = None  # what gives the rules of its projections their signal while it acts

    @property
    def spiking_network(self) -> NetworkDescription:
        """The network of an agent that spikes.

        Raises:
            NetworkError: it is dense, without spikes.
        """
        if isinstance(self.network, DenseNetwork):
            message = "is dense, without spikes, which engine and chips do not run"
            raise NetworkError(Problem(f"{self.name}:network", message, "train the recipe with network.kind = 'stack'"))
        return self.network


def tensor_shapes(agent: AgentDescription) -> dict[str, TensorShape]:
    """Every tensor that the agent has or may have, by name."""
    dims, actions = agent.task.observation_size, agent.task.action_size
    codes = agent.encoder.tensor_shapes(dims) | agent.decoder.tensor_shapes(actions)
    shapes = {"normaliser.mean": TensorShape((dims,)), "normaliser.std": TensorShape((dims,))}
    shapes |= {name: TensorShape(shape) for name, shape in codes.items()}
    shapes |= agent.network.tensor_shapes()
    if agent.learning is not None and isinstance(agent.network, NetworkDescription):
        shapes |= {"critic.weight": TensorShape((agent.network.inputs[0].size,)), "critic.numbers": TensorShape((6,))}
    if agent.modulator is not None and isinstance(agent.network, NetworkDescription):
        own = agent.modulator.tensor_shapes(sum(p.size for p in agent.network.inputs))
        shapes |= {name: TensorShape(shape) for name, shape in own.items()}
    return shapes


def left_unresolved(agent: AgentDescription) -> bool:
    """Whether a part of the controller itself is not imported yet; wrappers of its environment are none."""
    return bool(slots.left_unresolved((agent.encoder, agent.network, agent.decoder, agent.modulator)))


def problems(agent: AgentDescription, where: str) -> list[Problem]:
    """Contradictions between the parts of a description; empty when it is sound, or has parts not imported yet."""
    if left_unresolved(agent):
        return []
    network = agent.network
    found = allocation.problems(needs(agent), where)
    if found:
        return found  # what else is wrong would be found by trying
    if not isinstance(network, DenseNetwork):
        found = network_description.problems(network, f"{where}:network")
        if found and (not network.populations or network.output.neuron is None):
            return found  # there is nothing that codes could fit to
    is_sound = not found
    dims, actions, ticks = agent.task.observation_size, agent.task.action_size, network.ticks
    decoder = slots.DECODERS.name_of(agent.decoder)
    found += [p._replace(where=f"{where}:encoder.{p.where}") for p in agent.encoder.problems(dims, ticks)]
    found += [p._replace(where=f"{where}:decoder.{p.where}") for p in agent.decoder.problems(actions, ticks)]
    if isinstance(network, DenseNetwork):
        found += _dense_problems(agent, network, where)
    else:
        found += _spiking_problems(agent, network, where)
        if is_sound:
            found += _plasticity_problems(agent, network, where)
    kind = agent.decoder.action_kind
    if agent.task.action_choices and not agent.decoder.has_scores:
        message = f"'{decoder}' gives one choice, the task takes {len(agent.task.action_choices)} at once"
        found.append(Problem(f"{where}:decoder.kind", message, COMBINE))
    if agent.task.action_kind != kind:
        message = f"'{decoder}' gives {kind} actions, the task takes {agent.task.action_kind} ones"
        found.append(Problem(f"{where}:decoder.kind", message, f"use a decoder of {agent.task.action_kind} actions"))
    return found


def _spiking_problems(agent: AgentDescription, network: NetworkDescription, where: str) -> list[Problem]:
    """What does not fit between codes and a network of spikes."""
    encoder, decoder = slots.ENCODERS.name_of(agent.encoder), slots.DECODERS.name_of(agent.decoder)
    found = []
    inputs = network.inputs
    wanted_in = agent.encoder.size(agent.task.observation_size)
    if len(inputs) != 1 or inputs[0].size != wanted_in:
        message = f"must have one input population of {wanted_in} neurons for the encoder '{encoder}'"
        found.append(Problem(f"{where}:network.populations", message, "change its size, or the code"))
    wanted_out = agent.decoder.size(agent.task.action_size)
    if network.output.size != wanted_out:
        message = f"must end with {wanted_out} neurons for the decoder '{decoder}', not {network.output.size}"
        found.append(Problem(f"{where}:network.populations", message, "change its size, or the code"))
    if agent.encoder.signal == "analog":
        for number, projection in enumerate(network.projections):
            for key in ("plasticity", "receptor"):
                if projection.source in {p.name for p in inputs} and getattr(projection, key):
                    message = f"is given, but the input of the encoder '{encoder}' is analog, without spikes"
                    place = f"{where}:network.projections[{number}].{key}"
                    found.append(Problem(place, message, "use an encoder that makes spikes"))
    if agent.decoder.reads == "values":
        message = f"'{decoder}' reads the numbers of a network without spikes, this network has neurons"
        found.append(Problem(f"{where}:decoder.kind", message, "use a decoder that reads spikes or membranes"))
    return found


def _plasticity_problems(agent: AgentDescription, network: NetworkDescription, where: str) -> list[Problem]:
    """Rules that wait for what nobody gives them, and a modulator that nobody reads."""
    if agent.learning is not None:
        if agent.modulator is None:
            return []  # what the fused learner refuses it says itself
        message = "is given beside [learning], which has a modulator of its own"
        return [Problem(f"{where}:modulator", message, "leave one of them out")]
    found, heard = [], False
    for number, projection in enumerate(network.projections):
        for rule in projection.plasticity:
            constants, name = type(rule.constants(network.tick_s)), slots.RULES.name_of(rule)
            place = f"{where}:network.projections[{number}].plasticity"
            heard |= is_modulated(constants)
            if is_modulated(constants) and agent.modulator is None:
                message = f"'{name}' needs a signal, and the agent has no modulator"
                names = ", ".join(slots.MODULATORS.names())
                found.append(Problem(place, message, f"give the agent a table [modulator] of the kind {names}"))
            elif is_taught(constants) and not is_modulated(constants):
                message = f"'{name}' needs a teacher, which a controller does not give it"
                found.append(Problem(place, message, "use a rule of spikes and a signal, or leave it out"))
    if agent.modulator is not None:
        if not heard:
            message = "is given, but no projection has a rule that reads a signal"
            remedy = "give one plasticity = [{ rule = 'reward_stdp' }], or leave the modulator out"
            found.append(Problem(f"{where}:modulator", message, remedy))
        if agent.modulator.NEEDS_SPIKES and agent.encoder.signal == "analog":
            encoder = slots.ENCODERS.name_of(agent.encoder)
            message = f"reads the spikes of the input, which the encoder '{encoder}' does not make"
            found.append(Problem(f"{where}:modulator.kind", message, "use an encoder that makes spikes"))
    return found


def _dense_problems(agent: AgentDescription, network: DenseNetwork, where: str) -> list[Problem]:
    """What does not fit between codes and a network without spikes."""
    encoder, decoder = slots.ENCODERS.name_of(agent.encoder), slots.DECODERS.name_of(agent.decoder)
    found = []
    if agent.encoder.signal != "analog":
        having = [name for name, part in slots.ENCODERS.parts.items() if part.signal == "analog"]
        remedy = f"use one that gives numbers: {', '.join(having)}"
        found.append(Problem(f"{where}:encoder.kind", f"'{encoder}' makes spikes, a dense network takes none", remedy))
    if agent.decoder.reads != "values":
        message = f"'{decoder}' reads {agent.decoder.reads}, a dense network gives numbers"
        having = [name for name, part in slots.DECODERS.parts.items() if part().reads == "values"]
        remedy = f"use one that reads values: {', '.join(having)}"
        found.append(Problem(f"{where}:decoder.kind", message, remedy))
    if agent.learning is not None:
        message = "is given, and a dense network has no spikes to learn by"
        found.append(Problem(f"{where}:learning", message, "leave it out, or use a network of spikes"))
    if agent.modulator is not None:
        message = "is given, and a dense network has no rules that read a signal"
        found.append(Problem(f"{where}:modulator", message, "leave it out, or use a network of spikes"))
    for key, given, wanted, code in (
        ("inputs", network.inputs, agent.encoder.size(agent.task.observation_size), f"encoder '{encoder}'"),
        ("outputs", network.outputs, agent.decoder.size(agent.task.action_size), f"decoder '{decoder}'"),
    ):
        if given != wanted:
            found.append(Problem(f"{where}:network.{key}", f"is {given}, the {code} needs {wanted}", f"write {wanted}"))
    return found
