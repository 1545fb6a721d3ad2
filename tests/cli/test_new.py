import json


def test_a_new_recipe_says_why_passes_the_check_and_trains(call):
    code, out, err = call("new", "recipe", "mine", "--env", "CartPole-v1")
    assert (code, out) == (0, "configs/train/mine.toml\n")
    assert 'trainer.kind = "ppo": actions are choices' in err and "next: snnctl train configs/train/mine.toml" in err
    code, out, _ = call("check", "mine")
    assert (code, out) == (0, "recipe mine: ok\n")
    tiny = ["trainer.total_steps=512", "network.hidden=[8]", "trainer.epochs=1"]
    code, out, err = call("train", "mine", *tiny, "--json")
    assert code == 0, err
    assert json.loads(out)["status"] == "finished"


def test_options_of_the_other_kind_and_missing_ones_are_told(call):
    assert "--env: is missing" in call("new", "recipe", "mine")[2]
    code, _, err = call("new", "env", "mine", "--env", "CartPole-v1", "--trainer", "ppo")
    assert code == 2 and err.count("is an option of recipes") == 2
    assert "did you mean 'recipe'" in call("new", "recipes", "mine")[2]
    assert call("new", "recipe", "mine", "--env", "CartPole-v1", "--out", "there")[1] == "there/mine.toml\n"
