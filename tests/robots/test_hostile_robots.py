"""Robots of strangers: MuJoCo sees no file outside the folder, and no MJCF that asks for more than is reasonable."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import mujoco
import pytest

from snnctl.errors import InputError, RobotError
from snnctl.robots import check, environments, mjcf, mjcf_size
from snnctl.robots.robot_env import RobotEnv
from snnctl.robots.scaffold import scaffold

WORLD = '<worldbody><body><joint name="j"/><geom name="g" size="1"/></body></worldbody>'
BOX = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"  # a tetrahedron
MESH = '<asset><mesh name="m" file="{}"/></asset>' + WORLD


@pytest.fixture
def unseen(monkeypatch):
    """MuJoCo is not asked for a model."""

    def seen(*_):
        raise AssertionError("MuJoCo has read it")

    monkeypatch.setattr(mujoco, "MjModel", type("MjModel", (), {"from_xml_path": seen}))


def robot(tmp_path, inside, **files):
    """A folder with a model, and a file that lies outside of it."""
    folder = tmp_path / "robot"
    folder.mkdir()
    (tmp_path / "outside.obj").write_text(BOX)
    (tmp_path / "outside.xml").write_text(f"<mujoco>{WORLD}</mujoco>")
    (folder / "robot.xml").write_text(f"<mujoco>{inside}</mujoco>")
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(tmp_path / text.removeprefix("-> "))
        else:
            path.write_text(text)
    return folder


LINK = "is a link to a file outside the folder"
LEAVES = "leaves its folder"
STRIPPED = '<compiler strippath="true"/>' + MESH
SECOND = '<compiler meshdir="good"/><compiler meshdir="bad"/>' + MESH.format("m.obj")


@pytest.mark.parametrize(
    ("inside", "files", "words"),
    [
        (MESH.format("m.obj"), {"m_obj": "-> outside.obj"}, LINK),
        (MESH.format("sub/outside.obj"), {"sub": "-> ."}, LINK),
        (STRIPPED.format("sub/m.obj"), {"sub__m_obj": BOX, "m_obj": "-> outside.obj"}, LINK),
        (STRIPPED.format("../outside.obj"), {"outside_obj": BOX}, LEAVES),
        (STRIPPED.format("..\\\\outside.obj"), {"outside_obj": BOX}, LEAVES),
        (SECOND, {"good__m_obj": BOX, "bad__m_obj": "-> outside.obj"}, LINK),
        ('<compiler assetdir="a"/><compiler texturedir="/etc"/>' + WORLD, {}, "absolute path"),
        ('<compiler meshdir=".."/>' + MESH.format("outside.obj"), {}, LEAVES),
        ('<include file="i.xml"/>' + MESH.format("m.obj"),
         {"i_xml": '<mujoco><compiler meshdir="bad"/></mujoco>', "m_obj": BOX, "bad__m_obj": "-> outside.obj"}, LINK),
        ('<include file="../outside.xml"/>' + WORLD, {}, LEAVES),
        ('<include file="i.xml"/>' + WORLD, {"i_xml": "-> outside.xml"}, LINK),
        ('<include file="sub/a.xml"/>' + WORLD,
         {"sub__a_xml": '<mujoco><include file="b.xml"/></mujoco>', "sub__b_xml": "-> outside.xml"}, LINK),
        ('<asset><model name="c" file="c.xml"/></asset>' + WORLD, {"c_xml": "-> outside.xml"}, LINK),
        ('<asset><model name="c" file="sub/c.xml"/></asset>' + WORLD,
         {"sub__c_xml": f"<mujoco>{MESH.format('m.obj')}</mujoco>", "sub__m_obj": "-> outside.obj"}, LINK),
        ('<asset><model name="c" file="c.xml"/></asset><worldbody><attach model="c" body="b" prefix="p"/></worldbody>',
         {"c_xml": '<mujoco><compiler meshdir="/"/></mujoco>'}, "absolute path"),
        ('<asset><hfield name="h" file="h.png" size="1 1 1 1"/></asset>' + WORLD, {"h_png": "-> outside.obj"}, LINK),
        ('<asset><texture name="t" type="cube" fileright="t.png"/></asset>' + WORLD, {"t_png": "-> outside.obj"}, LINK),
        ('<asset><skin name="s" file="s.skn"/></asset>' + WORLD, {"s_skn": "-> outside.obj"}, LINK),
        ('<worldbody><flexcomp name="f" type="mesh" file="f.obj"/></worldbody>', {"f_obj": "-> outside.obj"}, LINK),
        ('<default><default class="a"><mesh file="/etc/hostname"/></default></default>' + WORLD, {}, "absolute path"),
        ('<extension><plugin plugin="a"/></extension>' + WORLD, {}, "plugins run native code"),
        ('<actuator><plugin joint="j" plugin="a"/></actuator>' + WORLD, {}, "plugins run native code"),
        (f'<plugin xmlns="urn:a" plugin="a"/>{WORLD}', {}, "has an XML namespace"),
        ('<include file="i.xml"/>' + WORLD, {"i_xml": '<?xml version="1.0" encoding="cp037"?><mujoco/>'}, ""),
        ('<include file="i.xml"/>' + WORLD, {"i_xml": "<robot/>"}, "not MJCF"),
        ("<a>" * 500 + "</a>" * 500, {}, "nested deeper than"),
        ("<a/>" * 200_001, {}, "elements"),
    ],
)  # fmt: skip
def test_nothing_outside_of_the_folder_is_read(tmp_path, unseen, inside, files, words):
    found = mjcf.problems(robot(tmp_path, inside, **files), "robot.xml")
    assert words in "\n".join(map(str, found)) and (found or not words)
    for problem in found:
        assert problem.remedy or "not XML" in problem.message
        assert "robot" in problem.where


def test_files_in_the_folder_are_found_where_mujoco_finds_them(tmp_path):
    child = '<compiler meshdir="mm"/><asset><mesh name="q" file="q.obj"/></asset>'
    body = '<worldbody><body name="b"><geom type="mesh" mesh="q"/></body></worldbody>'
    folder = robot(
        tmp_path,
        '<compiler meshdir="none"/><compiler meshdir="meshes" strippath="true"/><include file="parts/a.xml"/>'
        '<asset><mesh name="m" file="far/away/m.obj"/><model name="c" file="sub/c.xml"/></asset>'
        '<worldbody><geom type="mesh" mesh="m"/><attach model="c" body="b" prefix="p"/></worldbody>',
        meshes__m_obj=BOX,
        parts__a_xml='<mujocoinclude><include file="b.xml"/></mujocoinclude>',
        parts__b_xml='<mujocoinclude><option timestep="0.005"/></mujocoinclude>',
        sub__c_xml=f"<mujoco>{child}{body}</mujoco>",
        sub__mm__q_obj=BOX,
    )
    assert mjcf.load(folder, "robot.xml").nmesh == 2


def png(width, height):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def nested(count, levels):
    return f'<replicate count="{count}">' * levels + '<geom size="1"/>' + "</replicate>" * levels


SIZES = [
    ('<asset><texture name="t" type="2d" builtin="flat" width="20000" height="20000"/></asset>', "texture.width"),
    ('<asset><texture name="t" builtin="flat" width="5000" height="5000"/></asset>', "texture.width"),
    ('<asset><texture name="t" type="skybox" builtin="gradient" width="9000"/></asset>', "texture.width"),
    ('<default><texture width="9000" height="9000"/></default><asset><texture name="t" builtin="flat"/></asset>',
     "texture.width"),
    ("<asset>" + '<texture type="2d" builtin="flat" width="4000" height="4000"/>' * 7 + "</asset>", "texture.width"),
    ('<asset><texture name="t" type="2d" file="big.png"/></asset>', "texture.file"),
    ('<asset><hfield name="h" nrow="8192" ncol="8192" size="1 1 1 1"/></asset>', "hfield.nrow"),
    ('<asset><hfield name="h" file="big.png" size="1 1 1 1"/></asset>', "hfield.file"),
    ('<asset><mesh name="m" builtin="supersphere" params="1000 .5 .5"/></asset>', "mesh.params"),
    ('<size memory="4G"/>', "size.memory"),
    ('<size memory="99999999999E"/>', "size.memory"),
    ('<size nstack="100000000"/>', "size.nstack"),
    ('<size njmax="20000"/>', "size.njmax"),
    ('<size nconmax="10000000"/>', "size.nconmax"),
    ('<size nuserdata="1000000000"/>', "size.nuserdata"),
    ('<size nkey="1000000000"/>', "size.nkey"),
    ('<size nkey="10000"/><actuator><general joint="j" dyntype="user" actdim="9000"/></actuator>', "size.nkey"),
    ('<size nuser_body="1000000000"/>', "size.nuser_body"),
    ('<size nuser_sensor="1000000000"/><sensor><clock/></sensor>', "size.nuser_sensor"),
    ("<worldbody><site user='" + "0 " * 5000 + "'/>" + '<replicate count="9000"><site/></replicate></worldbody>',
     "size.nuser_site"),
    ('<sensor><user dim="1000000000"/></sensor>', "user.dim"),
    ('<sensor><clock nsample="100000000" delay="1"/></sensor>', "clock.nsample"),
    ('<sensor><contact geom1="g" num="100000000"/></sensor>', "contact.num"),
    ('<worldbody><camera name="c" resolution="4096 4096"/></worldbody><sensor><rangefinder camera="c"/></sensor>',
     "rangefinder.camera"),
    ('<actuator><general joint="j" dyntype="user" actdim="100000000"/></actuator>', "general.actdim"),
    ('<default><general actdim="100000000"/></default><actuator><general joint="j" dyntype="user"/></actuator>',
     "general.actdim"),
    ('<actuator><motor joint="j" nsample="100000000" delay="1"/></actuator>', "motor.nsample"),
    ('<custom><numeric name="n" size="500000000"/></custom>', "numeric.size"),
    (f"<worldbody>{nested(1000, 1)}{nested(100, 3)}</worldbody>", "robot.xml:geom"),
    (f"<worldbody>{nested(10, 30)}</worldbody>", "robot.xml:geom"),
    (f"<worldbody>{nested('1e300', 3)}</worldbody>", "robot.xml:geom"),
    ('<worldbody><replicate count="1000"><body><freejoint/><geom size="1"/></body></replicate></worldbody>',
     "robot.xml:body"),
    ("<worldbody>" + '<body><joint type="ball"/><geom size="1"/>' * 380 + "</body>" * 380 + "</worldbody>",
     "robot.xml:body"),
    ("<worldbody>" + '<body><freejoint/><replicate count="1500"><geom size="1"/></replicate></body>' * 2
     + "</worldbody>", "robot.xml:geom"),
    ('<worldbody><body><composite type="cable" count="9000 1 1" size="1"/></body></worldbody>', "composite.count"),
    ('<worldbody><flexcomp name="f" type="grid" count="100 100 100" spacing="1 1 1"/></worldbody>', "flexcomp.count"),
    ('<asset><model name="c" file="child.xml"/></asset><worldbody>'
     + '<replicate count="200"><attach model="c" body="b" prefix="p"/></replicate></worldbody>', "child.xml:geom"),
    ('<worldbody><body name="b0"/>'
     + "".join(f'<body name="b{k + 1}">' + f'<attach body="b{k}" prefix="p{k}"/>' * 2 + "</body>" for k in range(40))
     + "</worldbody>", "robot.xml:"),
    ('<option iterations="1000000000"/>', "option.iterations"),
    ('<option ls_iterations="1000000000"/>', "option.ls_iterations"),
    ('<option noslip_iterations="1000000000"/>', "option.noslip_iterations"),
    ('<compiler><lengthrange mode="all" inttotal="1e9"/></compiler>', "lengthrange.inttotal"),
    ('<compiler><lengthrange mode="all" timestep="1e-9"/></compiler>', "lengthrange.inttotal"),
    ('<visual><global offwidth="100000"/></visual>', "global.offwidth"),
    ('<visual><quality shadowsize="1000000"/></visual>', "quality.shadowsize"),
    ('<visual><quality numslices="1000000"/></visual>', "quality.numslices"),
    ('<size nuserdata="nan"/>', "write finite numbers"),
    ('<size nuserdata="0x7fffffff"/>', "write finite numbers"),
    ('<worldbody><replicate count="1e9999"><geom size="1"/></replicate></worldbody>', "write finite numbers"),
    ('<include file="robot.xml"/>', "more than 64 places"),
    ('<asset><model name="c" file="robot.xml"/></asset>', "more than 64 places"),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "where"), SIZES, ids=[f"{k}-{where}" for k, (_, where) in enumerate(SIZES)])
def test_what_asks_for_too_much_is_told_before_mujoco_allocates_it(tmp_path, unseen, inside, where):
    child = '<worldbody><body name="b"><replicate count="200"><geom size="1"/></replicate></body></worldbody>'
    folder = robot(tmp_path, WORLD + inside, child_xml=f"<mujoco>{child}</mujoco>")
    (folder / "big.png").write_bytes(png(60_000, 60_000))
    found = mjcf.problems(folder, "robot.xml")
    told = "\n".join(map(str, found))
    assert found and where in told, told
    assert len(told) < 2500


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(width: int, height: int, pixels: bytes, *more: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(pixels))])


@pytest.mark.parametrize(
    ("raw", "refused"),
    [
        (picture(16, 16, bytes(16 * 49)), False),
        (picture(16, 16, bytes(16 * 49), chunk(b"iCCP", b"a" * 3000)), False),
        (picture(16, 16, bytes(50_000_000)), True),
        (picture(16, 16, bytes(16 * 49), chunk(b"zTXt", b"a" * 70_000)), True),
    ],
    ids=["sound", "with a profile", "more pixels than its header says", "a large packed text"],
)
def test_a_picture_is_not_unpacked_beyond_its_header(tmp_path, unseen, raw, refused):
    folder = robot(tmp_path, WORLD + '<asset><texture name="t" type="2d" file="big.png"/></asset>')
    (folder / "big.png").write_bytes(raw)
    assert bool(mjcf.problems(folder, "robot.xml")) == refused


@pytest.mark.parametrize(
    "inside",
    [
        '<asset><texture name="t" type="2d" builtin="flat" width="4096" height="4096"/></asset>',
        '<asset><hfield name="h" nrow="1000" ncol="1000" size="1 1 1 1"/></asset>',
        '<size memory="100M" nkey="10" nuserdata="1000" nuser_body="8"/><option iterations="500" ls_iterations="100"/>',
        '<worldbody><replicate count="2000" offset=".1 0 0"><geom size="1"/></replicate></worldbody>',
        '<worldbody><replicate count="300" offset="3 0 0"><body><freejoint/><geom size="1"/></body></replicate>'
        "</worldbody>",
    ],
)
def test_what_large_robots_ask_for_is_given(tmp_path, inside):
    folder = robot(tmp_path, WORLD + inside)
    assert mjcf.load(folder, "robot.xml").narena <= mjcf_size.MAX_BYTES


# ---------------------------------------------------------------------------- on the way to MuJoCo


def hostile(tmp_path):
    return robot(tmp_path, MESH.format("/etc/hostname")) / "robot.xml"


@pytest.mark.parametrize("form", ["{}", "file", "./{}"])
def test_a_model_that_an_argument_names_gets_the_same_checks(tmp_path, monkeypatch, form):
    monkeypatch.chdir(tmp_path)
    path = hostile(tmp_path)
    text = {"{}": str(path), "./{}": "./robot/robot.xml"}.get(form, "robot/robot.xml")
    with pytest.raises(InputError, match=r"env.kwargs.xml_file: .*mesh.file: names the absolute path"):
        environments.make("Ant-v5", xml_file=text)
    path.rename(path.with_suffix(".txt"))
    with pytest.raises(InputError, match="absolute path"):
        environments.make("Ant-v5", xml_file=text.replace(".xml", ".txt"))


def test_models_of_gymnasium_and_of_a_users_own_are_taken(tmp_path):
    environments.make("Hopper-v5", xml_file="hopper.xml").close()
    path = Path(mujoco.__file__).parent / "none.xml"
    with pytest.raises(RobotError, match="does not exist"):
        environments.make("Hopper-v5", xml_file=str(path))


def test_a_task_that_is_a_link_to_a_file_outside_is_refused(tmp_path):
    folder = scaffold("linked", tmp_path)
    (folder / "task.toml").rename(tmp_path / "task.toml")
    (folder / "task.toml").symlink_to(tmp_path / "task.toml")
    assert "is a link to a file outside" in str(check.problems(folder)[0])


def test_check_does_not_run_what_would_take_for_ever(tmp_path, monkeypatch):
    folder = scaffold("slow", tmp_path)
    monkeypatch.setattr(check, "MAX_STEP_S", 0.0)
    (problem,) = check.problems(folder)
    assert problem.where.endswith("task.toml:clock.physics_dt_s") and "of the processor" in problem.message
    monkeypatch.setattr(check, "MAX_STEP_S", 100.0)
    monkeypatch.setattr(check, "MAX_RUN_S", 0.0)
    with pytest.warns(UserWarning, match="it was checked for 0 steps"):
        env = RobotEnv(folder)
        assert check._rollout_problems(env, env, "slow", "") == []


def test_solvers_that_may_take_for_ever_are_not_run(tmp_path):
    folder = scaffold("stubborn", tmp_path)
    text = (folder / "robot.xml").read_text()
    option = '<option solver="PGS" iterations="10000" noslip_iterations="10000" tolerance="0"/>'
    balls = '<worldbody><replicate count="20" offset=".1 0 0"><replicate count="20" offset="0 .1 0">'
    balls += '<body pos="0 0 9"><freejoint/><geom size=".06"/></body></replicate></replicate></worldbody>'
    (folder / "robot.xml").write_text(text.replace("</mujoco>", option + balls + "</mujoco>"))
    told = " ".join(str(problem) for problem in check.problems(folder))
    assert "rounds of the solvers may take" in told and "lower iterations" in told
