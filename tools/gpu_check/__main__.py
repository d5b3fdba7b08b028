"""Makes the folder a program: python3 tools/gpu_check."""

import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

from gpu_check.main import main  # noqa: E402  (found through the line above)

sys.exit(main(sys.argv[1:]))
