"""The house rules: package lists agree, files import downwards only, everything stays small, described and safe."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "siv_lite"
FILES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}

# Lowest first: a file imports only from floors below its own; "methods/*" is every other file of methods.
FLOORS = (
    {"errors"},
    {"files"},
    {"augment", "blocks", "checkpoint", "filters", "frames", "losses", "metrics/inputs", "metrics/pretrained"},
    {"metrics/registry"},
    {"metrics/*"},
    {"metrics/video"},
    {"methods/__init__", "metrics/__init__"},
    {"methods/pyramid"},
    {"methods/*"},
    {"run"},
    {"training"},
    {"check", "editing", "figures"},
    {"comparison"},
    {"widgets"},
    {"live"},
    {"__init__"},
)
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
HEAVY = {"IPython", "cv2", "ipywidgets", "jupyter_core", "lpips", "matplotlib", "papermill", "torchvision"}


# Packages


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def project_packages() -> dict[str, Requirement]:
    extras = [line for extra in project()["optional-dependencies"].values() for line in extra]
    return {(package := Requirement(line)).name: package for line in [*project()["dependencies"], *extras]}


def environment(path: str) -> tuple[str, list[str]]:
    """The Python requirement of a conda environment file and what its pip section installs, options left out."""
    dependencies = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["dependencies"]
    python = next(entry for entry in dependencies if str(entry).startswith("python="))
    pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return python, [line for line in pip if not line.startswith("-")]


@pytest.mark.parametrize("path", ["environment.yml", "binder/environment.yml"])
def test_conda_environment_agrees_with_pyproject(path):
    python, packages = environment(path)
    assert sorted(packages) == sorted(project_packages().keys() - {"opencv-python"})  # it names the headless one
    assert project()["requires-python"] == ">=3.11,<3.13"
    assert python in ("python=3.11", "python=3.12")
    assert python == environment("environment.yml")[0]


def test_constraints_pin_every_package_within_its_range():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    packages = project_packages()
    assert not packages.keys() - pins.keys()
    assert not {name: pins[name] for name, package in packages.items() if pins[name] not in package.specifier}


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
                name_or_attribute = [parts[1:], (*parts[1:], "__init__"), parts[1:-1], (*parts[1:-1], "__init__")]
                candidates = list(map("/".join, name_or_attribute))
                yield next((candidate for candidate in candidates if candidate in FILES), candidates[0])


def floor(name: str) -> int:
    listed = set().union(*FLOORS)
    entry = name if name in listed else f"{name.rpartition('/')[0]}/*"
    assert entry in listed, f"siv_lite/{name}.py has no floor: give it one in the table of this test"
    return next(number for number, names in enumerate(FLOORS) if entry in names)


@pytest.mark.parametrize("name", FILES)
def test_file_imports_only_from_lower_floors(name):
    upwards = {other for other in imported_files(name) if floor(other) >= floor(name)}
    assert not upwards, f"{name} (floor {floor(name)}) imports {upwards}"


@pytest.mark.parametrize(
    "statement", ["import siv_lite", "from siv_lite import SivLiteError, evaluate, open_run, read_frames, train"]
)
def test_import_loads_no_optional_package(statement):
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert loaded.returncode == 0, loaded.stderr
    assert not HEAVY & set(loaded.stdout.split())


def test_train_stays_a_function_when_its_module_is_imported_first():
    script = "import siv_lite.training\nfrom siv_lite import train\nassert callable(train)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120).returncode == 0


# Size and manner


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_package_stays_small():
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in FILES.items()}
    assert sum(lines.values()) - lines["widgets"] - lines["live"] <= 3400
    assert not {name: count for name, count in lines.items() if count > 300}
    lengths = {
        f"{name}.{function.name}": function.end_lineno - function.lineno + 1
        for name, tree in TREES.items()
        for function in functions(tree)
    }
    assert not {name: length for name, length in lengths.items() if length > 60}


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
    """Whether a node can unpickle: an import of a pickle module, or a load that does not forbid it."""
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in PICKLES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return (node.module or "").split(".")[0] in PICKLES or (node.module in ("torch", "numpy") and "load" in names)
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
def test_unsafe_lines_are_recognised(line, expected):
    assert any(map(unsafe, ast.walk(ast.parse(line)))) is expected


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_unpickled(name):
    found = [node.lineno for node in ast.walk(TREES[name]) if unsafe(node)]
    assert not found, f"siv_lite/{name}.py may unpickle in lines {found}"


@pytest.fixture(scope="module")
def repository_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_path_of_one_machine(repository_files):
    machine_path = re.compile(rb"/(home|root|tmp|work)/")
    assert not [path for path in repository_files if machine_path.search(path.read_bytes())]


def test_notebooks_stay_under_one_megabyte(repository_files):
    notebooks = {path.name: path.stat().st_size for path in repository_files if path.suffix == ".ipynb"}
    assert not {name: size for name, size in notebooks.items() if size >= 1_000_000}
