"""Finds the package and the library that the repository has built, unless a wheel is installed or XLAT_LIBRARY is set."""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if importlib.util.find_spec("xlat") is None:
    sys.path.insert(0, str(ROOT / "bindings-python"))
    os.environ.setdefault("XLAT_LIBRARY", str(ROOT / "target" / "release" / "libxlat.so"))
