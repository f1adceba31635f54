"""The shape of the package, proved: imports go one way, the public names are exact, import is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mien

SOURCE = Path(mien.__file__).parent

# What each room may import from mien (docs/architecture.md shows the same table).
ROOMS: dict[str, set[str]] = {
    "core": set(),
    "video": {"core"},
    "faces": {"core"},
    "motion": {"core"},
    "synthesis": {"core", "video", "faces", "motion"},
    "datasets": {"core", "synthesis"},
    "recipes": {"core", "video", "faces", "motion"},
    "nn": {"core"},
    "protocols": {"core"},
    "training": {"core", "nn", "protocols"},
    "methods": {"core", "motion", "recipes", "nn", "training"},
    "evaluation": {"core", "datasets", "recipes", "nn", "protocols", "training", "methods", "reports"},
    "spotting": {"core", "faces", "motion", "synthesis"},
    "analysis": {"core", "video", "faces", "motion", "synthesis", "recipes", "methods", "spotting", "reports"},
    "benchmarks": {"core", "video", "faces", "synthesis", "spotting", "analysis", "protocols", "reports"},
    "pictures": {"core", "video", "faces", "motion", "datasets", "recipes", "reports"},
    "reports": {"core", "protocols"},
}
PUBLIC_ONLY = {"cli"}  # parses, calls public functions of the rooms, prints
HEAVY = ("torch", "cv2", "matplotlib", "sklearn", "skimage", "dlib", "pandas", "onnxruntime", "av")


def files() -> list[Path]:
    return sorted(p for p in SOURCE.rglob("*.py") if p.parent != SOURCE)


def imported_rooms(path: Path) -> set[str]:
    """Rooms of mien that a file imports, anywhere in it (also inside functions)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written absolutely"
            names = [node.module or ""]
            if node.module == "mien":
                names = [f"mien.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("mien.")}
    return found - {"__version__"}


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    if room in PUBLIC_ONLY:
        return
    allowed = ROOMS[room] | {room}
    assert imported_rooms(path) <= allowed, f"{room} may import only {sorted(allowed)}"


def test_every_folder_is_a_known_room() -> None:
    folders = {p.name for p in SOURCE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders == set(ROOMS) | PUBLIC_ONLY


def test_the_table_has_no_way_back() -> None:
    order = list(ROOMS)
    late = {"reports"}  # fed from saved results only; listed last, read by evaluation and analysis
    for room, allowed in ROOMS.items():
        assert all(order.index(other) < order.index(room) for other in allowed - late), room


def test_the_public_names_are_exact() -> None:
    assert set(mien.__all__) == {
        "__version__",
        "Clip",
        "Interval",
        "MienError",
        "MienWarning",
        "Prediction",
        "Sample",
        "Source",
        "agree",
        "analyze",
        "audit",
        "compare",
        "evaluate",
        "export",
        "generate_motion",
        "open_video",
        "predict",
        "prepare",
        "read_predictions",
        "render",
        "score",
        "show",
        "stream",
        "study",
        "train",
        "write_video",
    }
    for name in mien.__all__:
        assert getattr(mien, name) is not None
    public = {name for name in vars(mien) if not name.startswith("_") and name not in {"annotations"}}
    modules = {p.name for p in SOURCE.iterdir()}
    assert public - modules <= set(mien.__all__) | {"importlib", "Any", "TYPE_CHECKING"}


@pytest.mark.parametrize("command", ["import mien", "from mien.cli import main; main(['--help'], standalone=False)"])
def test_start_loads_nothing_heavy(command: str) -> None:
    check = f"import sys; {command}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_import_is_light() -> None:
    timed = "import numpy, time; t = time.perf_counter(); import mien; print(time.perf_counter() - t)"
    took = min(
        float(subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    )
    assert took < 0.3
