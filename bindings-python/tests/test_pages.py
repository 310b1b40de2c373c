"""The programs of docs/python.md and of the package's README print what stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import xlat

ROOT = Path(__file__).resolve().parents[2]


def blocks(kind: str) -> dict[str, str]:
    """The page's blocks of a kind, by name."""
    page = (ROOT / "docs" / "python.md").read_text()
    return dict(re.findall(rf"^```{kind} (\w+)\n(.*?)^```$", page, flags=re.M | re.S))


def output_of(program: str) -> str:
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


def environment() -> dict[str, str]:
    """As this process finds the package."""
    return {**os.environ, "PYTHONPATH": str(Path(xlat.__file__).parents[1])}


@pytest.mark.parametrize("name", blocks("python"))
def test_programs_of_the_guide_print_what_stands_there(name):
    assert output_of(blocks("python")[name]) == blocks("output")[name]


def test_every_output_of_the_guide_has_a_program():
    assert blocks("python").keys() == blocks("output").keys() and blocks("python")


def test_the_program_of_the_readme_prints_what_its_comment_says():
    page = (ROOT / "bindings-python" / "README.md").read_text()
    program = re.search(r"^```python\n(.*?)^```$", page, flags=re.M | re.S)[1]
    assert output_of(program) == re.search(r"# (SYSCALL .*)", program)[1] + "\n"
