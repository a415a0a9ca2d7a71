"""Every block of the README is executed, and its generated tables are those of the code."""

import pathlib
import re
import shlex
import subprocess
import sys

import pytest
from readme_tables import with_tables

import chatkit_sim
import chatkit_sim.client  # imported once, not in each of the projects below
from chatkit_sim.cli import main

ROOT = pathlib.Path(__file__).parent.parent
README = ROOT.joinpath("README.md").read_text()
RESPONDERS = ROOT / "fixtures" / "responders"
BLOCK = re.compile(r"(?:<!-- (?P<kind>\w+): (?P<what>[^\n]*?) -->\s*)?```(?P<language>\w+)\n(?P<body>.*?)```", re.S)
STEP = re.compile(
    r"<!-- file: (?P<file>\S+) -->\s*```(?:python|json)\n(?P<body>.*?)```"
    r"|<!-- run: (?P<program>pytest|chatkit-sim) (?P<run>.*?); (?P<outcome>.*?) -->",
    re.S,
)


def sections():
    return {title: body for title, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", README, re.S | re.M)}


def runnable():
    return [title for title, body in sections().items() if "<!-- run: " in body]


@pytest.mark.parametrize("title", runnable())
def test_the_files_of_a_section_make_a_project_that_passes(title, pytester, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    for step in STEP.finditer(sections()[title]):
        if step["file"]:
            pytester.path.joinpath(step["file"]).write_text(step["body"])
        elif step["program"] == "chatkit-sim":
            assert main(shlex.split(step["run"])) == 0
            assert step["outcome"] in "".join(capsys.readouterr())
        else:
            result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *shlex.split(step["run"]))
            assert result.ret == pytest.ExitCode.OK
            result.stdout.re_match_lines([f".*{step['outcome']}.*"])


def test_every_python_block_belongs_to_a_project():
    loose = [
        block["body"] for block in BLOCK.finditer(README) if block["language"] == "python" and block["kind"] != "file"
    ]
    assert loose == []
    for title, body in sections().items():
        assert ("<!-- file: " in body) == (title in runnable()), title


def test_what_the_first_screen_shows_is_what_the_guide_s_server_gets(pytester):
    shown = next(block for block in BLOCK.finditer(README) if block["kind"] == "shows")
    # The scenario that is shown comes before the campaigns.
    brief = ["-k", "not campaign", "-p", "no:cacheprovider", "--color=no"]
    command = [sys.executable, "-m", "pytest", "--chatkit-sim", *brief, shown["what"]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    for line in shown["body"].splitlines():
        for piece in line.split("..."):
            assert piece.strip() in done.stdout, f"not shown: {piece!r}\n{done.stdout}"


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_two_commands_are_there_for_the_ci(name):
    script = ROOT / ".ci" / "readme_command.py"
    command = subprocess.run([sys.executable, script, name], capture_output=True, text=True, check=True).stdout
    assert ".venv/bin/pip install" in command
    assert ".venv/bin/pytest" in command


def test_shell_lines_name_real_options(pytester):
    known = pytester.runpytest_inprocess("--help").stdout.str()
    for option in sorted(set(re.findall(r"--chatkit-[\w-]+", README))):
        assert option in known, option


def test_its_tables_are_those_of_the_code():
    assert with_tables(README) == README, "run: python tests/readme_tables.py"


def test_every_public_name_it_mentions_exists():
    for line in re.findall(r"from chatkit_sim import (.*)", README):
        for name in line.split(","):
            assert name.split("#")[0].strip() in chatkit_sim.__all__
