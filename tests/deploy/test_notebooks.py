"""Notebooks run, and what they say is what they said when they were committed."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NAMES = ("verify", "evaluate", "faces")


def code(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def said(cell):
    """Return the words of a cell's output: numbers differ a little between machines."""
    # a library may say on stderr that it makes a cache, once on every new machine
    text = "".join(o.text for o in cell.outputs if o.get("name") == "stdout")
    return [word for word in text.split() if not any(c.isdigit() for c in word)]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_committed(name):
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(book)
    cells = code(book)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    assert all(output.output_type != "error" for output in outputs)
    assert all(output.get("name") != "stderr" for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_notebooks_run(name, tmp_path):
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    outputs = [said(cell) for cell in code(book)]
    NotebookClient(book, timeout=1800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [said(cell) for cell in code(book)] == outputs
