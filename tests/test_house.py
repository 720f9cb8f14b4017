"""The house rules: lists of packages agree, files import downwards, code is readable and safe."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "siv_lite"
FILES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix(): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}

# Lowest first: a file imports only from floors below its own. "methods/*" is every file of that
# folder that has no floor of its own.
FLOORS = (
    {"errors"},
    {"files", "filters", "photographs", "progress"},
    {"augment", "frames", "losses"},
    {"rendering/patches"},
    {"rendering/denoiser"},
    {"rendering/sampler"},
    {"rendering/render"},
    {"rendering/uses"},
    {"rendering/__init__"},
    {"nn/linearize", "nn/network", "nn/resampling"},
    {"nn/optim", "nn/spectral_norm"},
    {"nn/reference"},
    {"nn/__init__"},
    {"metrics/inputs"},
    {"metrics/pretrained", "metrics/registry"},
    {"metrics/*"},
    {"metrics/video"},
    {"metrics/__init__"},
    {"methods/settings"},
    {"methods/base"},
    {"methods/__init__"},
    {"methods/pyramid"},
    {"methods/*"},
    {"training/migrate"},
    {"training/checkpoint"},
    {"training/config"},
    {"training/collapse", "training/cuda_graph", "training/run"},
    {"training/loop"},
    {"training/preview", "training/verify"},
    {"training/__init__"},
    {"comparison", "editing", "figures", "lesson_checks"},
    {"exercises"},
    {"widgets/region", "widgets/runs"},
    {"widgets/panel"},
    {"widgets/background", "widgets/canvas", "widgets/controls"},
    {"widgets/estimate", "widgets/replay", "widgets/scene"},
    {"widgets/*"},
    {"widgets/upload"},
    {"widgets/__init__"},
    {"__init__"},
)
# Limits of readability. They are alarms, not aims: code that keeps them can still be a riddle.
MAX_TOKENS = 22  # on nine of ten lines of code
MAX_STATEMENTS = 40  # of a function
MAX_COLUMNS = 100
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
HEAVY = {
    "IPython",
    "anywidget",
    "cv2",
    "ipywidgets",
    "jupyter_core",
    "lpips",
    "matplotlib",
    "papermill",
    "skimage",
    "torchvision",
}


# Packages


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def project_packages() -> dict[str, Requirement]:
    extras = [line for extra in project()["optional-dependencies"].values() for line in extra]
    return {
        (package := Requirement(line)).name: package
        for line in [*project()["dependencies"], *extras]
    }


def environment(path: str) -> tuple[str, list[str]]:
    """The Python of a conda environment file, and what pip installs there, options left out."""
    dependencies = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["dependencies"]
    python = next(entry for entry in dependencies if str(entry).startswith("python="))
    pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return python, [line for line in pip if not line.startswith("-")]


@pytest.mark.parametrize("path", ["environment.yml", "binder/environment.yml"])
def test_conda_environment_agrees_with_pyproject(path):
    python, packages = environment(path)
    assert sorted(packages) == sorted(
        project_packages().keys() - {"opencv-python"}
    )  # it names the headless one
    assert project()["requires-python"] == ">=3.11,<3.13"
    assert python in ("python=3.11", "python=3.12")
    assert python == environment("environment.yml")[0]


def test_every_folder_of_code_is_a_package_that_is_installed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {path.parent.relative_to(ROOT) for path in FILES.values()}
    packages = [".".join(folder.parts) for folder in folders]
    assert sorted(packages) == sorted(settings["tool"]["setuptools"]["packages"])


def test_constraints_pin_every_package_within_its_range():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    packages = project_packages()
    assert not packages.keys() - pins.keys()
    assert not {
        name: pins[name]
        for name, package in packages.items()
        if pins[name] not in package.specifier
    }


# Imports


def imported_files(name: str) -> Iterator[str]:
    """Every file of the package that one file imports, inside functions too."""
    folder = ("siv_lite", *Path(name).parts[:-1])
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            dotted = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            base = (*folder[: len(folder) + 1 - node.level], *module) if node.level else module
            dotted = [(*base, alias.name) for alias in node.names]
        else:
            continue
        for parts in dotted:
            if parts[0] == "siv_lite":
                name_or_attribute = [
                    parts[1:],
                    (*parts[1:], "__init__"),
                    parts[1:-1],
                    (*parts[1:-1], "__init__"),
                ]
                candidates = list(map("/".join, name_or_attribute))
                yield next(
                    (candidate for candidate in candidates if candidate in FILES), candidates[0]
                )


def floor(name: str) -> int:
    listed = set().union(*FLOORS)
    entry = name if name in listed else f"{Path(name).parent}/*"
    assert entry in listed, (
        f"siv_lite/{name}.py has no floor: give it one in the table of this test"
    )
    return next(number for number, names in enumerate(FLOORS) if entry in names)


@pytest.mark.parametrize("name", FILES)
def test_file_imports_only_from_lower_floors(name):
    upwards = {other for other in imported_files(name) if floor(other) >= floor(name)}
    assert not upwards, f"{name} (floor {floor(name)}) imports {upwards}"


@pytest.mark.parametrize(
    "statement",
    [
        "import siv_lite",
        "from siv_lite import SivLiteError, evaluate, open_run, read_frames, train",
    ],
)
def test_import_loads_no_optional_package(statement):
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert loaded.returncode == 0, loaded.stderr
    assert not HEAVY & set(loaded.stdout.split())


def test_train_stays_a_function_when_its_module_is_imported_first():
    script = "import siv_lite.training\nfrom siv_lite import train\nassert callable(train)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120).returncode == 0


# Readability


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def docstring_lines(tree: ast.AST) -> set[int]:
    """The numbers of all lines of docstrings."""
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node) is not None:
                lines.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def tokens_of_lines(source: str) -> dict[int, int]:
    """Number of each line of code -> how many tokens it has; docstrings and comments left out."""
    ignored = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    documented = docstring_lines(ast.parse(source))
    counts = Counter()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type not in ignored and line not in documented:
            counts[line] += 1
    return counts


def dense_lines(source: str) -> list[int]:
    """The lines with too many tokens, if they are more than one in ten."""
    counts = tokens_of_lines(source)
    dense = [line for line, count in counts.items() if count > MAX_TOKENS]
    return dense if len(dense) > len(counts) / 10 else []


def joined_assignments(tree: ast.AST) -> list[int]:
    """The lines that assign several values at once, except swaps and shapes.

    `a, b = x, y` is two statements on one line. `a, b = b, a` cannot be said otherwise, and
    `height, width = x.shape[0], x.shape[1]` is one thought.
    """
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
            continue
        if not isinstance(node.targets[0], ast.Tuple):
            continue
        targets = {ast.unparse(target) for target in node.targets[0].elts}
        values = [ast.unparse(value) for value in node.value.elts]
        is_swap = not targets.isdisjoint(values)
        is_shape = all("shape" in value for value in values)
        if not is_swap and not is_shape:
            lines.append(node.lineno)
    return lines


def count_statements(function: ast.FunctionDef) -> int:
    """The number of statements in a function and in whatever it nests, its docstring left out."""
    nested = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    return len(nested) - 1 - (ast.get_docstring(function) is not None)


@pytest.mark.parametrize("name", FILES)
def test_file_is_readable(name):
    source = FILES[name].read_text(encoding="utf-8")
    problems = []

    dense = dense_lines(source)
    if dense:
        problems.append(f"{len(dense)} lines have over {MAX_TOKENS} tokens, a tenth may: {dense}")
    joined = joined_assignments(TREES[name])
    if joined:
        problems.append(f"several values are assigned in one statement: lines {joined}")
    for function in functions(TREES[name]):
        count = count_statements(function)
        if count > MAX_STATEMENTS:
            problems.append(f"{function.name} has {count} statements, {MAX_STATEMENTS} may be")
    lines = enumerate(source.splitlines(), start=1)
    wide = [number for number, line in lines if len(line) > MAX_COLUMNS]
    if wide:
        problems.append(f"lines are longer than {MAX_COLUMNS} columns: {wide}")

    advice = "say one thing a line, in paragraphs; blank lines and comments cost nothing"
    assert not problems, "; ".join([f"siv_lite/{name}.py: {advice}", *problems])


@pytest.mark.parametrize(
    "line, is_joined",
    [
        ("a, b = x, y", True),
        ("self.a, b = [], None", True),
        ("a, b = b, a", False),
        ("x, y = y, x + y", False),
        ("n, c, h, w = x.shape", False),
        ("h, w = x.shape[2], x.shape[3]", False),
        ("low, high = f(x)", False),
    ],
)
def test_joined_assignments_are_recognized(line, is_joined):
    assert bool(joined_assignments(ast.parse(line))) is is_joined


def test_only_code_is_counted():
    source = 'def f(x):\n    """Two\n    lines."""\n\n    # A comment.\n    return x + 1  # more\n'
    assert tokens_of_lines(source) == {1: 6, 6: 4}
    assert count_statements(ast.parse(source).body[0]) == 1
    packed = "a = [b + c + d + e + f + g + h + i + j + k + l]\n"
    assert dense_lines(packed + "a = 1\n" * 8) == [1]
    assert dense_lines(packed + "a = 1\n" * 9) == []


@pytest.mark.parametrize("name", FILES)
def test_public_names_are_described_and_annotated(name):
    for node in TREES[name].body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"
            if isinstance(node, ast.FunctionDef):
                arguments = node.args
                named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                every = [*named, *filter(None, (arguments.vararg, arguments.kwarg))]
                bare = [argument.arg for argument in every if argument.annotation is None]
                assert not bare, f"{name}.{node.name}: no type on {bare}"
                assert node.returns is not None, f"{name}.{node.name}: no return type"


# Safety


def unsafe(node: ast.AST) -> bool:
    """Whether a node can unpickle: imports a pickle module, or a load that does not forbid it."""
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in PICKLES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return (node.module or "").split(".")[0] in PICKLES or (
            node.module in ("torch", "numpy") and "load" in names
        )
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if called == "torch.load" or called.endswith("load_state_dict_from_url"):
            return given.get("weights_only") != "True"
        return called in ("np.load", "numpy.load") and given.get("allow_pickle", "False") != "False"
    return False


@pytest.mark.parametrize(
    "line, expected",
    [
        ("import pickle", True),
        ("from torch import load", True),
        ("torch.load(path)", True),
        ("torch.load(path, weights_only=safe)", True),
        ("np.load(path, allow_pickle=True)", True),
        ("torch.load(path, weights_only=True)", False),
        ("np.load(path)", False),
        ("from safetensors.torch import load", False),
    ],
)
def test_unsafe_lines_are_recognized(line, expected):
    assert any(map(unsafe, ast.walk(ast.parse(line)))) is expected


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_unpickled(name):
    found = [node.lineno for node in ast.walk(TREES[name]) if unsafe(node)]
    assert not found, f"siv_lite/{name}.py may unpickle in lines {found}"


@pytest.fixture(scope="module")
def repository_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_path_of_one_machine(repository_files):
    machine_path = re.compile(rb"/(home|root|tmp|work)/")
    assert not [path for path in repository_files if machine_path.search(path.read_bytes())]


def test_notebooks_stay_under_one_megabyte(repository_files):
    notebooks = {
        path.name: path.stat().st_size for path in repository_files if path.suffix == ".ipynb"
    }
    assert not {name: size for name, size in notebooks.items() if size >= 1_000_000}
