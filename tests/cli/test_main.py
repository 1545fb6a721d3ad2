import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snnctl.cli import console, main
from snnctl.cli.train import parse_seeds
from snnctl.errors import ConfigError, MappingError

HEAVY = ("numpy", "numba", "mujoco", "matplotlib", "gymnasium", "scipy", "h5py", "rich.console")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def run(*arguments):
        code = main.call(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def test_the_three_main_verbs_come_first_and_help_imports_nothing_heavy():
    script = (
        "import sys\nfrom snnctl.cli import main\ncode = main.call(['--help'])\n"
        f"assert code == 0, code\nloaded = [m for m in {HEAVY!r} if m in sys.modules]\nassert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed[:3] == ["train", "run", "evaluate"]
    assert {"list", "show", "new", "check", "doctor"} <= set(listed)


@pytest.mark.parametrize("verb", main.VERBS)
def test_every_verb_that_is_listed_explains_itself(call, verb):
    code, out, _ = call(verb, "--help")
    assert code == 0 and f"Usage: snnctl {verb}" in out


def test_version(call):
    code, out, _ = call("--version")
    assert code == 0 and out.startswith("snnctl 0.")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["trian"], 2, "Did you mean 'train'"),
        (["train", "--sedes", "3"], 2, "--seeds"),
        (["list", "a", "b"], 2, "b"),
        (["train"], 2, "RECIPE: is missing"),
        (["train", "cartpole-ppoo"], 2, "did you mean 'cartpole-ppo'"),
        (["train", "trainer.lr=1"], 2, "stands where the recipe belongs"),
        (["train", "cartpole-ppo", "trainer.lr"], 2, "is not key=value"),
        (["train", "cartpole-ppo", "trainer.lrr=1"], 2, "did you mean 'lr'"),
        (["train", "cartpole-ppo", "trainer.lr=nan"], 2, "finite"),
        (["train", "cartpole-ppo", "seed=true"], 2, "seed"),
        (["train", "cartpole-ppo", "network.tick_s=5mW"], 2, "write a time like 5ms"),
        (["train", "cartpole-ppo", "env.id=CartPole-v9"], 2, "CartPole"),
        (["train", "cartpole-ppo", "seed=4294967296"], 2, "seed"),
        (["train", "cartpole-ppo", "--seed", "-1"], 2, "--seed"),
        (["train", "cartpole-ppo", "--seeds", "4..1"], 2, "write 0..4"),
        (["train", "cartpole-ppo", "--seeds", "0..2", "--seed", "1"], 2, "cannot be combined"),
        (["train", "--resume", "last"], 2, "holds no run"),
        (["train", "--resume", "nowhere"], 2, "does not exist"),
        (["train", "cartpole-ppo", "--out", "/proc/here"], 2, "--out"),
        (["show", "loihi"], 2, "did you mean 'loihi1'"),
        (["show", "loihi1", "--kind", "chp"], 2, "did you mean 'chip'"),
        (["show", "a" * 5000], 2, "is not a known env"),
        (["check", "nothing-like-it"], 2, "is not a known env"),
        (["list", "robts"], 2, "kind of entry"),
        (["new", "robot", "x"], 2, "env"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(call, arguments, code, message):
    got, out, err = call(*arguments)
    assert got == code, err
    lines = [line for line in err.splitlines() if line.startswith("snnctl: ")]
    assert len(lines) == 1 and message in lines[0]
    assert out == ""


def test_all_mistakes_of_a_recipe_are_lines_of_their_own(call):
    code, _, err = call("train", "cartpole-ppo", "trainer.lr=-1", "trainer.lrr=3", "env.idd=3")
    assert code == 2 and len(err.splitlines()) == 3


@pytest.mark.parametrize(
    "text", ["a = ", "x = " + "[" * 5000, ".".join("a" * 20000) + " = 1", "trainer = " + "9" * 5000, "\x00"]
)
def test_hostile_recipes(call, tmp_path, text):
    (tmp_path / "r.toml").write_text(text)
    for arguments in (["train", "r.toml"], ["check", "r.toml", "--kind", "recipe"], ["show", "r.toml"]):
        code, _, err = call(*arguments)
        assert code in (1, 2) and len(err.splitlines()) <= 1


def test_names_with_terminal_escapes_are_made_visible(call):
    _, _, err = call("show", "\x1b[31mred\x07")
    assert "\x1b" not in err and "\\x1b[31mred\\x07" in err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MappingError("a", "b"), 1, "snnctl: a\nsnnctl: b\n"),
        (KeyboardInterrupt(), 130, ""),
        (ZeroDivisionError("so\nmuch"), 3, "internal error: ZeroDivisionError: so much; run again with --debug\n"),
        (MemoryError(), 3, "out of memory"),
    ],
)
def test_what_becomes_of_an_exception(call, monkeypatch, error, code, message):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("snnctl.library.entries", fail)
    got, _, err = call("list", "chips")
    assert got == code and message in err


def test_debug_shows_the_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("snnctl.library.entries", lambda kind: 1 / 0)
    assert main.call(["list", "chips", "--debug"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error():
    command = (
        f"{sys.executable} -c 'from snnctl.cli.main import main; main()' show loihi1 | head -1; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "0" and done.stderr == ""


@pytest.mark.parametrize(
    ("text", "seeds"), [("0..4", [0, 1, 2, 3, 4]), ("7", [7]), ("0,3,7", [0, 3, 7]), ("1..2, 2,9", [1, 2, 9])]
)
def test_lists_of_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "-1", "3..1", "0...4", "1,,2", "5000000000", "0..100000"])
def test_what_is_no_list_of_seeds(text):
    with pytest.raises(ConfigError, match=r"0\.\.4"):
        parse_seeds(text)


def test_list_show_and_check_speak_json(call):
    code, out, _ = call("list", "chips", "--json")
    assert code == 0 and {"loihi1", "spinnaker1"} <= {row["name"] for row in json.loads(out)["chips"]}
    code, out, _ = call("show", "cartpole-ppo", "--kind", "recipe", "--json")
    shown = json.loads(out)
    assert code == 0 and shown["kind"] == "recipe" and shown["value"]["evaluation"]["confirm_episodes"] == 30
    code, out, _ = call("check", "loihi1", "spinnaker1", "nano-drone", "cartpole-ppo", "--json")
    checked = json.loads(out)
    assert code == 0 and checked["ok"]
    assert [e["kind"] for e in checked["entries"]] == ["chip", "chip", "budget", "agent", "recipe"]


def test_what_show_prints_is_a_valid_entry(call, tmp_path):
    code, out, _ = call("show", "cartpole-ppo", "--kind", "recipe")
    (tmp_path / "copy.toml").write_text(out)
    assert code == 0 and call("check", "copy.toml")[0] == 0


def test_an_ambiguous_name_asks_for_the_kind(call, tmp_path):
    (tmp_path / "configs" / "train").mkdir(parents=True)
    (tmp_path / "configs" / "train" / "loihi1.toml").write_text("schema = 1\n")
    code, _, err = call("show", "loihi1")
    assert code == 2 and "add --kind recipe or --kind chip" in err
    assert call("show", "loihi1", "--kind", "chip")[0] == 0


def test_check_reports_every_problem_and_fails(call, tmp_path):
    (tmp_path / "b.toml").write_text(
        'schema = 1\nname = "b"\nrobot = "x"\n[power]\nlimit_w = "-5mW"\nstatus = "gess"\n'
    )
    code, out, _ = call("check", "b.toml")
    assert code == 1
    assert "b.toml:power.limit_w" in out and "b.toml:power.source: is required" in out and "power.status" in out


def test_a_damaged_agent_is_listed_and_fails_its_check(call, tmp_path):
    (tmp_path / "agents" / "broken").mkdir(parents=True)
    (tmp_path / "agents" / "broken" / "agent.toml").write_text("schema = 1\n")
    assert "damaged" in call("list", "agents")[1]
    assert call("check", "broken")[0] == 1


def test_doctor_survives_a_broken_package(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    code, out, _ = call("doctor", "--json")
    found = {f["about"]: f for f in json.loads(out)["findings"]}
    assert code == 1 and not found["h5py"]["ok"] and "reinstall" in found["h5py"]["remedy"]
    assert found["numpy"]["ok"] and "kernel cache" in found


def test_tables_align_and_hide_control_characters():
    text = console.table(["name", "n"], [["a\x1b", 5], ["bb", 12]])
    assert text.splitlines() == ["name    n", "-----  --", "a\\x1b   5", "bb     12"]


def test_json_has_no_nan(capsys):
    console.json_result({"a": float("nan"), "b": (1.5, float("inf"))})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [1.5, None]}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (61, "1:01"), (3723, "1:02:03"), (float("inf"), "-"), (-1, "-")]
)
def test_durations(seconds, text):
    assert console.duration(seconds) == text


def test_plain_progress_says_something_at_the_start_and_at_the_end(capsys):
    with console.progress("work", 10, "episodes") as bar:
        for k in range(11):
            bar.update(k, f"return {k}")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0] == "work: 0/10 episodes, return 0" and lines[1].startswith("work: 10/10 episodes, ")


def test_a_terminal_gets_a_live_line():
    import pty

    parent, child = pty.openpty()
    script = (
        "from snnctl.cli import console\nwith console.progress('work', 3) as bar:\n    bar.update(2, 'half\\x07')\n"
    )
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.run([sys.executable, "-c", script], stderr=child, env=env, check=False)
    os.close(child)
    assert done.returncode == 0 and b"2/3 steps, half" in os.read(parent, 100_000)
    os.close(parent)


def test_without_a_verb_the_help_is_shown(call):
    code, out, err = call()
    assert (code, err) == (2, "")
    assert "\nCommands:\n" in out


@pytest.mark.parametrize("verb", main.VERBS)
def test_the_help_of_every_verb_has_an_example(call, verb):
    assert f"Example: snnctl {verb}" in " ".join(call(verb, "--help")[1].split())


def test_warnings_of_the_libraries_below_are_no_messages(call):
    code, _, err = call("train", "cartpole-ppo", "env.id=HalfCheetah-v2")
    assert code == 2
    assert "Warning" not in err
    assert [line[:8] for line in err.splitlines() if not line.startswith("compiling kernels")] == ["snnctl: "]


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_error(closed):
    script = f"'{sys.executable}' -c 'from snnctl.cli import main; main.main([\"list\", \"chips\"])' {closed}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_folder_is_shown_and_checked_as_its_best_checkpoint(call, tmp_path):
    run = tmp_path / "runs" / "leaning" / "a run"
    run.mkdir(parents=True)
    (run / "metrics.jsonl").write_text("")
    for verb in ("show", "check"):
        code, _, err = call(verb, str(run))
        assert code == 2 and "has no best checkpoint yet" in err
    best = run / "checkpoints" / "best"
    shutil.copytree(Path(__file__).parents[1] / "data" / "agents" / "leaning", best)
    code, out, err = call("show", str(run))
    assert code == 0, err
    assert f"# use it: snnctl run '{run}'" in out
    code, out, _ = call("show", str(best))
    assert f"# use it: snnctl run '{best}'" in out  # its name alone would mean nothing
    code, out, err = call("check", str(run))
    assert code == 0, err
    assert "agent best: ok" in out
    assert call("show", str(run), "--kind", "agent")[0] == 0
