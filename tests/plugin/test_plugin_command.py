"""The command chatkit-sim."""

import subprocess
import sys

import pytest

from chatkit_sim.cli import main
from chatkit_sim.rules import ALL_RULES


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
    assert f'ignore=["{rule.slug}: why"]' in shown


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
