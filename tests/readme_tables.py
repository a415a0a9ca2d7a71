"""The tables of the README, made from the code: ``python tests/readme_tables.py`` writes them anew."""

import argparse
import inspect
import pathlib
import re

from pytest_chatkit_sim import plugin

from chatkit_sim.rules import ALL_RULES

README = pathlib.Path(__file__).parent.parent / "README.md"


def rules() -> str:
    """The catalogue."""
    lines = ["| family | rule | what must hold |", "|---|---|---|"]
    for rule in ALL_RULES:
        marks = (" (t)" if rule.needs_timeline else "") + (" *warning*" if rule.severity == "warning" else "")
        lines.append(f"| {rule.family} | `{rule.slug}`{marks} | {_cell(rule.must_hold)} |")
    return "\n".join(lines)


def fixtures_table() -> str:
    """The fixtures, by the first sentence of their docstrings."""
    lines = ["| fixture | what it is |", "|---|---|"]
    for name, value in vars(plugin).items():
        if "chatkit" in name and not name.startswith("_") and type(value).__name__ == "FixtureFunctionDefinition":
            doc = inspect.getdoc(value._get_wrapped_function()) or ""
            lines.append(f"| `{name}` | {_cell(doc.split(chr(10) + chr(10))[0])} |")
    return "\n".join(lines)


class Declared:
    """Takes what a plugin declares, as pytest's parser would."""

    def __init__(self):
        self.options: list[tuple[str, dict]] = []
        self.ini: list[tuple[str, str]] = []

    def getgroup(self, name, description=""):
        return self

    def addoption(self, name, **attributes):
        self.options.append((name, attributes))

    def addini(self, name, help, **attributes):
        self.ini.append((name, help))


def options() -> str:
    """The options of the command line, then those of the ini file."""
    declared = Declared()
    plugin.pytest_addoption(declared)
    lines = ["| option | what it does |", "|---|---|"]
    for name, attributes in declared.options:
        value = attributes.get("metavar") or "\\|".join(attributes.get("choices") or ())
        lines.append(f"| `{f'{name} {value}'.strip()}` | {_cell(attributes['help'])} |")
    lines += ["", "| ini option | what it does |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {_cell(text)} |" for name, text in declared.ini)])


TABLES = {"rules": rules, "fixtures": fixtures_table, "options": options}


def with_tables(text: str) -> str:
    """The README with every table made anew."""
    for name, table in TABLES.items():
        block = f"<!-- {name} -->\n{table()}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->\n.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.S)
    return text


def _cell(text: str) -> str:
    # A cell is one line, and a bar would end it.
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    README.write_text(with_tables(README.read_text()))
