"""States that are copied as memory are MuJoCo's own states, whatever a model consists of."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import pytest

from snnctl.robots.simulation import _ARRAYS, LENGTH, Simulation

RICH = """
<mujoco>
  <size nuserdata="3"/>
  <option><flag contact="disable"/></option>
  <worldbody>
    <body name="a" pos="0 0 1"><freejoint/><geom size=".1"/></body>
    <body name="b" pos="1 0 1"><joint name="hinge" axis="0 1 0"/><geom size=".1"/></body>
    <body name="m" mocap="true" pos="0 1 0"><geom size=".1"/></body>
  </worldbody>
  <equality><weld body1="a" body2="b" active="true"/></equality>
  <actuator>
    <general joint="hinge" dyntype="filter" dynprm="0.1" gainprm="2"/><motor joint="hinge"/>
  </actuator>
</mujoco>
"""
STILL = "<mujoco><worldbody><geom size='1'/></worldbody></mujoco>"  # nothing moves: no positions, no velocities


def official(model: Any, data: Any) -> np.ndarray[Any, Any]:
    kind = int(mujoco.mjtState.mjSTATE_INTEGRATION)
    state = np.zeros(mujoco.mj_stateSize(model, kind))
    mujoco.mj_getState(model, data, state, kind)
    return state


@pytest.mark.parametrize("xml", [RICH, STILL])
def test_the_kept_states_are_those_of_mj_get_state(xml: str) -> None:
    model = mujoco.MjModel.from_xml_string(xml)
    data = mujoco.MjData(model)
    simulation, random, expected = Simulation(model, data), np.random.default_rng(0), []
    simulation.start()
    expected.append(official(model, data))
    for _ in range(LENGTH + 7):
        data.ctrl[:] = random.normal(size=model.nu)
        data.userdata[:] = random.normal(size=model.nuserdata)
        data.xfrc_applied[:] = random.normal(size=data.xfrc_applied.shape)
        data.mocap_pos[:] = random.normal(size=data.mocap_pos.shape)
        data.eq_active[:] = random.integers(0, 2, model.neq)
        mujoco.mj_step(model, data)
        assert simulation.look(np.zeros(2))
        expected.append(official(model, data))
    np.testing.assert_array_equal(simulation.states(), expected[-LENGTH - 1 :])


def test_every_number_of_the_state_is_looked_for_where_it_lies() -> None:
    model = mujoco.MjModel.from_xml_string(RICH)
    data = mujoco.MjData(model)
    assert len(official(model, data)) == 1 + sum(getattr(data, name).size for name in _ARRAYS)
    simulation = Simulation(model, data)
    for name in ("qpos", "qvel"):
        for place in range(getattr(data, name).size):
            for value in (np.nan, np.inf):
                simulation.start()
                kept, getattr(data, name)[place] = getattr(data, name)[place], value
                assert not simulation.look(np.zeros(2)), (name, place)
                getattr(data, name)[place] = kept
    assert simulation.look(np.zeros(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_every_number_of_the_observation_is_looked_at(dtype: type, value: float) -> None:
    model = mujoco.MjModel.from_xml_string(STILL)
    simulation = Simulation(model, mujoco.MjData(model))
    simulation.start()
    for place in range(5):
        assert simulation.look(np.zeros(5, dtype))
        assert not simulation.look(np.where(np.arange(5) == place, value, 0.0).astype(dtype))


def test_every_counter_is_looked_at() -> None:
    model = mujoco.MjModel.from_xml_string(STILL)
    data = mujoco.MjData(model)
    simulation = Simulation(model, data)
    for place in range(len(data.warning.number)):
        simulation.start()
        assert simulation.look(np.zeros(1))
        data.warning.number[place] += 1
        assert not simulation.look(np.zeros(1)), place
