from __future__ import annotations

from pathlib import Path

import pytest

from snnctl import config
from snnctl.errors import ConfigError, NotFoundError
from snnctl.hardware import chip

NAMES = ("loihi1", "spinnaker1", "truenorth", "xylo")


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source_and_a_status(name: str) -> None:
    loaded = chip.load(name)
    constants = loaded.constants("limits", "energy", "time", "power")
    assert len(constants) >= 7
    for constant in constants:
        assert constant.source
        assert constant.status in ("published", "derived", "measured", "unsourced", "assumed")
        assert constant.value > 0


@pytest.mark.parametrize("name", NAMES)
def test_write_and_read_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / "copy.toml"
    path.write_text(config.to_toml(chip.load(name)))
    assert chip.load(str(path)) == chip.load(name)


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    text = config.to_toml(chip.load("loihi1"))
    text = text.replace("[energy.synaptic_op]", "[energy.synaptic_opp]").replace("[limits.cores]", "[limits.kernels]")
    text = text.replace("value = 0.06666", "value = -1.0")
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        chip.load(str(path))
    message = str(caught.value)
    for words in ("energy.synaptic_op: is required", "did you mean 'synaptic_op'", "limits.cores: is required", "-1.0"):
        assert words in message


def test_an_unknown_chip_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'loihi1'"):
        chip.load("lohi1")


def test_an_unknown_family_names_those_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(config.to_toml(chip.load("loihi1")).replace('family = "loihi1"', 'family = "lohi1"'))
    with pytest.raises(ConfigError, match="family: is 'lohi1'; did you mean 'loihi1'"):
        chip.load(str(path))
