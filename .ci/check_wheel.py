"""Build the wheel, install it into a fresh environment, and see that it is whole and clean."""

import pathlib
import subprocess
import sys
import tempfile
import venv
import zipfile

ROOT = pathlib.Path(__file__).parent.parent
CHECK = """
import importlib.util, sys
for name in ("pytest_plugin", "tests", "fixtures"):
    if importlib.util.find_spec(name) is not None:
        sys.exit(f"the wheel makes {name!r} importable")
import chatkit_sim
for name in chatkit_sim.__all__:
    getattr(chatkit_sim, name)
"""


def main() -> None:
    """Run every check; exits with a message at the first that fails."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT))
        wheel = next(work.glob("*.whl"))
        names = zipfile.ZipFile(wheel).namelist()
        tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
        if tops != {"chatkit_sim", "pytest_chatkit_sim"}:
            sys.exit(f"the wheel holds {sorted(tops)}")
        if "chatkit_sim/py.typed" not in names:
            sys.exit("the wheel has no chatkit_sim/py.typed")
        venv.create(work / "env", with_pip=True)
        python = str(work / "env" / "bin" / "python")
        run(python, "-m", "pip", "install", "--quiet", str(wheel))
        run(python, "-c", CHECK, cwd=folder)
        run(python, "-m", "chatkit_sim.cli", "rules", cwd=folder, quiet=True)
        if "--chatkit-sim" not in run(python, "-m", "pytest", "--help", cwd=folder, quiet=True):
            sys.exit("pytest does not load the plugin from the wheel")
    print(f"{wheel.name}: whole and clean")


def run(*command: str, cwd: str | None = None, quiet: bool = False) -> str:
    """Run a command; exits with its output when it fails."""
    done = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE if quiet else None, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout or ''}")
    return done.stdout or ""


if __name__ == "__main__":
    main()
