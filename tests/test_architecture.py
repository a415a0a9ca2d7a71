"""The house: who may import whom, what loads when, and which names are public."""

import ast
import pathlib
import subprocess
import sys

import pytest

import chatkit_sim

ROOT = pathlib.Path(__file__).parent.parent
ORDER = (
    "errors wire transcript expect recording rules model stores transports client snapshots simulation report cli"
).split()
HEAVY = ("chatkit", "agents", "openai", "hypothesis", "syrupy", "respx", "httpx2", "rich")


def modules() -> list[pathlib.Path]:
    return sorted((ROOT / "chatkit_sim").rglob("*.py"))


def room(path: pathlib.Path) -> str:
    first = path.relative_to(ROOT / "chatkit_sim").parts[0]
    return first.removesuffix(".py")


def imported_rooms(path: pathlib.Path) -> list[tuple[int, str]]:
    """The rooms of the house that a module imports, wherever in it the import stands."""
    package = ["chatkit_sim", *path.relative_to(ROOT / "chatkit_sim").parts[:-1]]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            names = [[*base, alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        found += [(node.lineno, name[1]) for name in names if name[0] == "chatkit_sim" and len(name) > 1]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_its_own_room_and_those_below(path):
    here = room(path)
    if here == "__init__":
        return  # the lazy face of the library: imports nothing until a name is used
    allowed = {*ORDER[: ORDER.index(here) + 1]}
    wrong = [f"line {line}: {other}" for line, other in imported_rooms(path) if other in ORDER and other not in allowed]
    assert not wrong, f"{path.name} is in {here!r} and imports from above: {wrong}"


def test_every_room_is_in_the_order():
    rooms = {room(path) for path in modules()} - {"__init__"}
    assert rooms <= set(ORDER)


def test_modules_do_not_import_in_circles():
    imports: dict[str, set[str]] = {}
    for path in [*modules(), *sorted((ROOT / "pytest_plugin").rglob("*.py"))]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = list(parts[:-1])
        name = ".".join(part for part in parts if part != "__init__")
        imports[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = package[: len(package) - node.level + 1]
                found = [node.module] if node.module else [alias.name for alias in node.names]
                imports[name] |= {".".join([*base, module]) for module in found}
    visiting: list[str] = []
    done: set[str] = set()

    def visit(name: str) -> None:
        assert name not in visiting, f"circle: {' -> '.join([*visiting[visiting.index(name) :], name])}"
        if name in done or name not in imports:
            return
        visiting.append(name)
        for other in sorted(imports[name]):
            visit(other)
        visiting.pop()
        done.add(name)

    for name in sorted(imports):
        visit(name)


@pytest.mark.parametrize("module", ["pytest_chatkit_sim.plugin", "chatkit_sim"])
def test_starting_up_imports_nothing_heavy(module):
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(output) & set(HEAVY)


def test_the_library_does_not_know_pytest():
    for path in modules():
        if room(path) == "snapshots" or path.relative_to(ROOT).match("*/stores/conformance/classes.py"):
            continue  # the syrupy extension and the test classes to subclass are pytest's by nature
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(name=node.module or "")])
        }
        assert "pytest" not in names, path


def test_no_module_is_too_long_to_read():
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_the_public_names():
    assert chatkit_sim.__all__ == sorted(chatkit_sim.__all__)
    assert chatkit_sim.__all__ == [
        "AsyncSimulatedClient",
        "AttachmentLimits",
        "ChatKitSimError",
        "ChatKitSimWarning",
        "ClientToolError",
        "ComposerModel",
        "ComposerTool",
        "DirectUpload",
        "Entity",
        "Frontend",
        "Limits",
        "MemoryStore",
        "ModelScript",
        "Policies",
        "Rule",
        "RunObserver",
        "SQLiteStore",
        "SimulatedClient",
        "Turn",
        "UsageError",
        "Violation",
        "ViolationError",
        "calls",
        "cites",
        "current_observer",
        "draws",
        "fails",
        "fake_request",
        "refuses",
        "says",
        "thinks",
    ]
    for name in chatkit_sim.__all__:
        assert getattr(chatkit_sim, name).__doc__, f"{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'simulate_everything'"):
        _ = chatkit_sim.simulate_everything
