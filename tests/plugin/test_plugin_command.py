"""The command chatkit-sim."""

import subprocess
import sys

import pytest

from chatkit_sim.cli import main
from chatkit_sim.rules import ALL_RULES
from chatkit_sim.rules.telling import explained


def test_it_lists_every_rule(capsys):
    assert main(["rules"]) == 0
    shown = capsys.readouterr().out
    for rule in ALL_RULES:
        assert f"  {rule.slug} " in shown
    assert max(map(len, shown.splitlines())) <= 130


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.slug)
def test_it_explains_every_rule(rule, capsys):
    assert main(["explain", rule.slug]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in (rule.must_hold, rule.why, rule.source):
        assert " ".join(text.split()) in shown
    for text in (rule.reads, rule.broken, rule.mended, *rule.traps):
        assert " ".join(text.split()) in shown
    assert f'ignore=["{rule.slug}: why"]' in shown


def test_it_says_what_a_rule_reads():
    alone = {rule.slug for rule in ALL_RULES if "reads the events alone" in " ".join(explained(rule).split())}
    beyond = {rule.slug for rule in ALL_RULES if rule.family in ("privacy", "persistence", "hygiene") or rule.timeline}
    assert not alone & beyond
    assert "item-added-once" in alone


def test_part_of_a_slug_is_enough_to_be_shown_the_whole(capsys):
    assert main(["explain", "registered"]) == 2
    assert "Did you mean 'client-tool-registered'?" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error():
    code = "import sys; from chatkit_sim.cli import main; sys.exit(main(['rules']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


OWN = """
from chatkit_sim import Rule

def pytest_chatkit_rules(rules):
    rules.add(Rule(slug="short-answers", must_hold="Answers are short.", check=lambda evidence: ()))
"""


def test_rules_of_ones_own_are_listed_and_explained_with_their_conftest(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conftest.py").write_text(OWN)
    assert main(["rules", "--conftest", "conftest.py"]) == 0
    assert "your own\n  short-answers " in capsys.readouterr().out
    assert main(["explain", "short-answers", "--conftest", "conftest.py"]) == 0
    assert capsys.readouterr().out == (
        "short-answers  (your own)\n\nAnswers are short.\n\n"
        "Checked    at the end of each turn; a violation fails the test. It is given all that is\n"
        "           known of the turn (`Evidence`).\n"
        "Source     a rule of your own, conftest.py:5\n\n"
        "To live with it\n"
        '  for one test       @pytest.mark.chatkit(ignore=["short-answers: why"])\n'
        "  in the ini file    chatkit_ignore = short-answers: why\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no file conftest.py."),
        ("", "defines no function `pytest_chatkit_rules(rules)`"),
        ("import nothing_here", "conftest.py cannot be loaded: ModuleNotFoundError: No module named 'nothing_here'"),
    ],
)
def test_a_conftest_without_rules_is_told(text, message, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "conftest.py").write_text(text)
    assert main(["rules", "--conftest", "conftest.py"]) == 2
    assert message in capsys.readouterr().err


def test_what_simulations_judge_by_is_explained_in_short(capsys):
    assert main(["explain", "nothing-lost"]) == 0
    assert "after a reload, also when the store failed" in capsys.readouterr().out
    assert main(["explain", "cancel"]) == 2
    assert "'cancel' is no rule but a scenario" in capsys.readouterr().err


def test_an_unknown_rule_suggests_a_known_one(capsys):
    assert main(["explain", "stop-client-tool"]) == 2
    assert capsys.readouterr().err == "There is no rule 'stop-client-tool'. Did you mean 'stop-at-client-tool'?\n"
    assert main(["explain", "xyz"]) == 2
    assert "`chatkit-sim rules` lists them" in capsys.readouterr().err


def test_help_needs_nothing_heavy():
    code = (
        "import atexit, sys, chatkit_sim.cli as cli; atexit.register(lambda: print(*sys.modules)); cli.main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "explain" in done.stdout
    assert "chatkit" not in done.stdout.splitlines()[-1].split()
