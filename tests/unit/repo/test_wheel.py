"""What `pip install .` puts into another environment: no checkout is needed afterwards."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NEEDED = (
    "src",
    "guard",
    "lab",
    "suites",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as an installer unpacks it."""
    source = tmp_path_factory.mktemp("source")
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    # nothing of the checkout may be above or beside it
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("environment") / "lib/site"
    subprocess.run([sys.executable, "-c", build, str(wheels)], cwd=source, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def cc_ci(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "cc_ci", *arguments]
    env = {"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin", "CC_CI_STATE": str(installed / "state")}
    return subprocess.run(argv, env=env, cwd=installed, capture_output=True, text=True, check=False)


def test_an_installation_has_the_lab_s_images_recipes_and_suites(installed: Path) -> None:
    listed = cc_ci(installed, "images", "list")
    assert "docker.io/library/nginx:1.22.1" in listed.stdout
    planned = cc_ci(installed, "run", "pocket", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "functional" in planned.stdout
    shipped = installed / "cc_ci/shipped"
    assert {path.name for path in shipped.iterdir()} == {"guard", "lab", "suites"}
    assert not list(shipped.rglob("__pycache__"))


def test_one_without_them_says_so_first_with_the_remedy(installed: Path) -> None:
    hidden = (installed / "cc_ci/shipped").rename(installed / "cc_ci/elsewhere")
    try:
        refused = cc_ci(installed, "images", "list")
    finally:
        hidden.rename(installed / "cc_ci/shipped")
    assert refused.returncode == 3
    assert refused.stderr.splitlines()[-1].endswith("`pip install .` in its checkout brings them")
