import sys
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures"
for folder in (FIXTURES, FIXTURES / "responders"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
