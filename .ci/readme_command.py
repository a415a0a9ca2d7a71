"""Print a command of the README: the shell block that follows the comment ``<!-- command: NAME -->``."""

import pathlib
import re
import sys


def readme_command(name: str) -> str:
    """The lines of the block as one shell command.

    Raises:
        SystemExit: The README has no such block.
    """
    readme = pathlib.Path(__file__).parent.parent.joinpath("README.md").read_text()
    block = re.search(rf"<!-- command: {re.escape(name)} -->\s*```\w*\n(.*?)```", readme, re.S)
    if block is None:
        raise SystemExit(f"README.md has no shell block after the comment <!-- command: {name} -->")
    return block[1].strip()


if __name__ == "__main__":
    print(readme_command(sys.argv[1]))
