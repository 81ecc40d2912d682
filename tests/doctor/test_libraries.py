import pytest

from gaitproof.doctor.libraries import SYSTEM_LIBRARIES, explain_import_error


@pytest.mark.parametrize("library", SYSTEM_LIBRARIES, ids=lambda x: x.file)
def test_a_missing_library_gives_the_command(library):
    error = ImportError(f"{library.file}: cannot open shared object file: No such file")
    explained = explain_import_error(error)
    assert explained is not None
    assert library.file in str(explained)
    assert f"sudo apt-get install -y {library.debian}" in str(explained)
    assert "\n" not in str(explained)


def test_an_unlisted_library_leads_to_the_doctor():
    explained = explain_import_error(
        ImportError("libfoo-2.0.so.3: cannot open shared object file: No such file or directory")
    )
    assert "libfoo-2.0.so.3" in str(explained)
    assert "gaitproof doctor" in str(explained)


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("vtk", "synth"),
        ("torch.nn", "train"),
        ("sklearn", "train"),
        ("vtkmodules.all", "synth"),
    ],
)
def test_a_missing_extra_is_named(module, extra):
    explained = explain_import_error(ModuleNotFoundError("gone", name=module))
    assert f"gaitproof[{extra}]" in str(explained)


@pytest.mark.parametrize(
    "error",
    [
        ImportError("cannot import name 'x' from 'y'"),
        ModuleNotFoundError("No module named 'gaitproof.nothing'", name="gaitproof.nothing"),
    ],
)
def test_our_own_mistakes_are_not_explained_away(error):
    assert explain_import_error(error) is None
