import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Gt
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from snnctl import config
from snnctl.config import Seconds, Watts, apply_overrides, parse_toml, quantity, resolve, schema, to_toml
from snnctl.errors import ConfigError
from snnctl.training.recipe import Recipe

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
words = st.text(st.characters(categories=["L", "N"], max_codepoint=127), min_size=1, max_size=8)


@schema
class Slow:
    kind: Literal["slow"] = "slow"
    tau_s: Annotated[Seconds, Gt(0)] = 0.01


@schema
class Fast:
    kind: Literal["fast"] = "fast"
    gains: tuple[float, ...] = (1.0, 2.0)


@schema
class Robot:
    schema: Literal[1] = 1
    name: str
    legs: Annotated[int, Gt(0)] = 4
    power_w: Watts | None = None
    awake: bool = False
    filter: Annotated[Slow | Fast, Field(discriminator="kind")] = Slow()
    tags: dict[str, str] = dataclasses.field(default_factory=dict)


def problems(text, *overrides):
    with pytest.raises(ConfigError) as caught:
        resolve(Robot, parse_toml(text, "r.toml"), "r.toml", overrides)
    return [str(p) for p in caught.value.problems]


robots = st.builds(
    Robot,
    name=st.text(max_size=20),
    legs=st.integers(1, 2**53),
    power_w=st.none() | finite,
    awake=st.booleans(),
    filter=st.builds(Slow, tau_s=st.floats(1e-300, 1e300))
    | st.builds(Fast, gains=st.lists(finite, max_size=4).map(tuple)),
    tags=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
)


@given(robots)
def test_what_is_written_reads_back_equal(robot):
    text = to_toml(robot)
    assert text.startswith("schema = 1\n")
    assert resolve(Robot, parse_toml(text, "r.toml"), "r.toml") == robot


@given(
    st.integers(1, 9999), st.sampled_from("pnumkMG"), st.sampled_from(["s", "W", "J", "Hz"]), st.sampled_from(["", " "])
)
def test_a_quantity_is_its_number_times_its_prefix(number, prefix, unit, space):
    scale = {"p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9}[prefix]
    value = quantity(f"{number}{space}{prefix}{unit}", unit)
    assert math.isclose(value, float(f"{number}e{scale}"), rel_tol=1e-15)
    for other in {"s", "W", "J", "Hz"} - {unit}:
        with pytest.raises(ValueError, match="is not a"):
            quantity(f"{number}{prefix}{unit}", other)


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_value_error(text):
    try:
        assert math.isfinite(quantity(text, "W"))
    except ValueError as error:
        assert "W" in str(error) or "power" in str(error)


@pytest.mark.parametrize("text", ["100", "nan", "infW", "1e400W", "5 m W", "W", "", "-", "5mw", "5 W five", True])
def test_quantities_that_are_refused(text):
    with pytest.raises(ValueError, match="100mW"):
        quantity(text, "W")


def test_all_mistakes_of_a_file_are_reported_at_once_with_their_place():
    found = problems('schema = 2\nlegz = 3\nlegs = 0\nawake = 1\npower_w = "5ms"\n[filter]\nkind = "fas"\n')
    assert found == [
        "r.toml:schema: is 2; this version reads schema = 1",
        "r.toml:name: is required and absent; add it",
        "r.toml:legs: input should be greater than 0, got 0; raise it",
        "r.toml:power_w: '5ms' is not a power; write a power like 100mW",
        "r.toml:awake: input should be a valid boolean, got 1; write true or false",
        "r.toml:filter: is 'fas'; did you mean 'fast'?",
        "r.toml:legz: is not a known key; did you mean 'legs'?",
    ]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_numbers_that_are_not_finite_are_refused(value):
    assert "finite" in problems(f'name = "a"\npower_w = {value}')[0]


def test_true_is_not_one():
    assert "legs" in problems('name = "a"\nlegs = true')[0]


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "a = 1\na = 2",
        "[" * 5000 + "]" * 5000,
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "{b = " * 2000 + "1" + "}" * 2000,
        ".".join("a" * 20000) + " = 1",
        "a" * 40000 + " = 1",
        "a = " + "9" * 5000,
        "\x00",
    ],
    ids=["open", "twice", "brackets", "array", "inline", "dotted", "long key", "long integer", "control"],
)
def test_hostile_toml_is_a_config_error(text):
    with pytest.raises(ConfigError, match=r"r\.toml"):
        parse_toml(text, "r.toml")


def test_a_long_line_of_ordinary_data_is_not_hostile():
    assert parse_toml(f"a = {[1] * 500}\nb = '{'.' * 500}'", "r.toml")["a"] == [1] * 500


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"a = '\xff'", "not UTF-8"), (b"#" * 1_000_001, "larger than"), (None, "cannot be read")],
)
def test_files_that_are_refused(tmp_path, raw, message):
    path = tmp_path / "r.toml"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(ConfigError, match=message):
        config.load(Robot, path)


tables = st.recursive(
    st.integers() | st.booleans() | words, lambda inner: st.dictionaries(words, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(words, tables, max_size=4), st.lists(words, min_size=1, max_size=4), st.integers())
def test_an_override_sets_its_key_and_nothing_else(data, path, value):
    before = repr(data)
    try:
        merged, touched = apply_overrides(data, [f"{'.'.join(path)}={value}"])
    except ConfigError as error:
        assert "not a table" in str(error)
        return
    assert repr(data) == before and touched == [".".join(path)]
    node = merged
    for part in path:
        node = node[part]
    assert node == value
    again, _ = apply_overrides(merged, [f"{'.'.join(path)}={value}"])
    assert again == merged


@pytest.mark.parametrize(
    ("text", "value"), [("3e-4", 3e-4), ("[1, 2]", [1, 2]), ("true", True), ("'x'", "x"), ("5ms", "5ms"), ("", "")]
)
def test_override_values_are_toml_or_else_text(text, value):
    assert apply_overrides({}, [f"a.b={text}"])[0] == {"a": {"b": value}}


def test_none_switches_off_what_may_be_absent():
    text = "name = 'x'\npower_w = '3W'\n"
    off = resolve(Robot, parse_toml(text, "r.toml"), "r.toml", ["power_w=none"])
    assert off.power_w is None
    assert resolve(Robot, parse_toml(to_toml(off), "r.toml"), "r.toml") == off
    assert resolve(Robot, parse_toml(text, "r.toml"), "r.toml", ['name="none"']).name == "none"
    for key in ("legs", "awake", "name"):
        assert problems(text, f"{key}=none") == [
            f"override {key}: is none, but cannot be absent; give a value, or leave it out for the default"
        ]
    assert problems(text, 'filter.kind="slow"', "filter.tau_s=none")[0].startswith("override filter.tau_s: ")


@pytest.mark.parametrize("override", ["a", "=1", "a..b=1", ".a=1", ".".join("a" * 40) + "=1"])
def test_overrides_that_are_not_key_value(override):
    with pytest.raises(ConfigError, match="is not key=value"):
        apply_overrides({}, [override])


def test_mistakes_in_overrides_are_named_as_such():
    found = problems('name = "a"\n[filter]\nkind = "slow"', "legs=-1", "filter.tau=3", "filter.tau_s=5W")
    assert len(found) == 3 and all(f.startswith("override ") for f in found)
    assert any("did you mean 'tau_s'?" in f for f in found)


def test_a_long_dotted_key_inside_a_table_is_refused():
    assert "nested too deeply" in problems("filter = {" + ".".join("b" * 20_000) + " = 1}")[0]


def test_a_flood_of_mistakes_is_told_in_part():
    found = problems("name = 'a'\n" + "".join(f"key{n} = 1\n" for n in range(2000)))
    assert len(found) == config.MAX_PROBLEMS + 1
    assert "1950 more mistakes" in found[-1]


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "r.toml").write_bytes(b"\xef\xbb\xbfname = 'a'\n")
    assert config.load(Robot, tmp_path / "r.toml").name == "a"


def test_the_key_of_a_chosen_kind_names_what_stands_in_the_file():
    @schema
    class Team:
        name: str
        filters: tuple[Annotated[Slow | Fast, Field(discriminator="kind")] | None, ...] = ()

    with pytest.raises(ConfigError) as caught:
        resolve(Team, {"name": "a", "filters": [{"kind": "slow", "tau_s": -1.0}]}, "t.toml")
    assert caught.value.problems[0].where == "t.toml:filters.0.tau_s"


def test_what_an_overridden_kind_leaves_over_is_told_once_and_does_not_blame_the_file():
    found = problems("name = 'a'\n[filter]\nkind = 'slow'\ntau_s = 1", "filter.kind=fast")
    assert len([f for f in found if "tau_s" in f]) == 1
    assert found[0].startswith("override filter.kind: leaves what belongs to kind = 'slow' in the table: tau_s; ")
    assert found[0].endswith("""replace the whole table: 'filter={kind="fast"}'""")
    assert "is not a known key" in problems("name = 'a'\n[filter]\nkind = 'slow'\nx = 1", "filter.kind=slow")[0]


NESTED = {
    "inline tables": "x = " + "{a=" * 200,
    "inline tables with spaces": "x = " + "{ a = " * 200,
    "arrays on lines": "x = [\n" * 200,
    "behind a line separator": "a = 1 # \u2028\nx = " + "[" * 200,
    "behind a next line": "a = '\x85'\nx = " + "{a=" * 200,
    "a dotted key of an inline table": "x = {" + ".".join("a" * 200) + " = 1}",
    "a dotted key of quotes": ".".join(['"a"'] * 200) + " = 1",
    "a dotted header": "[" + ".".join("a" * 200) + "]",
    "a long bare key": "a" * 100_000 + " = 1",
}


@pytest.mark.parametrize("name", NESTED)
def test_what_would_choke_the_parser_is_told_with_its_line(name):
    line = 33 if name == "arrays on lines" else NESTED[name].count("\n") + 1
    with pytest.raises(ConfigError, match=f"f:{line}: is nested too deeply or has too long a key; flatten it"):
        config.parse_toml(NESTED[name], "f")


@pytest.mark.parametrize(
    "text",
    ['"""' + '\\"' * 300_000, '"' + "\\\\" * 300_000, "'''" + "''\n" * 200_000, '"a\n' * 200_000, "\x85" * 300_000],
)
def test_strings_that_never_end_are_read_once(text):
    with pytest.raises(ConfigError, match="is not valid TOML"):
        config.parse_toml(text, "f")


def test_text_that_looks_nested_is_not():
    text = "a = '[[[[{{{{ a.b.c' # " + "[" * 100 + "\nb = [" + ", ".join(["[1.5, 2.5]"] * 200) + "]\n" + "[[c]]\n" * 100
    assert len(config.parse_toml(text, "f")["b"]) == 200


def test_minus_zero_is_zero():
    found = config.parse_toml("a = -0.0\nb = [-0.0, -1.5]", "f")
    merged, _ = config.apply_overrides(found, ["c=-0.0"])
    values = [merged["a"], *merged["b"], merged["c"], config.quantity("-0ms", "s")]
    assert [math.copysign(1.0, value) for value in values] == [1, 1, -1, 1, 1]


@pytest.mark.parametrize("value", ["[]", "{}", "[[]]", "3", "true", "nan", "1979-05-27", "-1", "9223372036854775808"])
@pytest.mark.parametrize(
    "key", ["env.id", "network.neuron.model", "encoder.kind", "trainer.kind", "network.kind", "network.hidden", "name"]
)
def test_a_value_of_another_type_is_told_with_its_key(key, value):
    path = Path(__file__).parents[1] / "configs" / "train" / "cartpole-ppo.toml"
    data = config.read_toml(path)
    node = data
    for part in key.split(".")[:-1]:
        node = node[part]
    node[key.split(".")[-1]] = tomllib.loads(f"x = {value}")["x"]
    if (key, value) == ("network.hidden", "[]"):  # of the right type: no hidden layer is a network, too
        assert config.resolve(Recipe, data, "f").network.hidden == ()
        return
    with pytest.raises(ConfigError) as caught:
        config.resolve(Recipe, data, "f")
    assert all((p.where.startswith("f:") and p.remedy) or "; " in p.message for p in caught.value.problems)
