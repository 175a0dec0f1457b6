"""No module is so long that nobody reads it to its end."""

from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src" / "cc_ci"
MOST = 300
"""Lines of a module; what is longer has a seam along which it can be split."""


def long_modules(folder: Path, *, most: int) -> dict[str, int]:
    lines = {
        str(path.relative_to(folder)): len(path.read_text().splitlines()) for path in folder.rglob("*.py")
    }
    return {name: count for name, count in lines.items() if count > most}


def test_no_module_is_longer_than_it_may_be() -> None:
    assert long_modules(SOURCE, most=MOST) == {}


def test_a_longer_one_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text("x = 1\n" * MOST)
    (tmp_path / "long.py").write_text("x = 1\n" * (MOST + 1))
    assert long_modules(tmp_path, most=MOST) == {"long.py": MOST + 1}
