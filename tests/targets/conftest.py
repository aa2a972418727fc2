"""The example adapter is not part of the package: it is found in the repository, behind what is installed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
