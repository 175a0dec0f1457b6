from pathlib import Path

import pytest

from cc_ci.suite.browsing import browser_ahead
from cc_ci.suite.facts import read_suite

PAGE = "def test_page(browser):\n    assert browser\n"


@pytest.mark.parametrize(
    ("files", "ahead"),
    [
        ({"test_page.py": PAGE}, True),
        ({"test_http.py": "def test_page(http):\n    assert http\n"}, False),
        ({"conftest.py": "def page(browser):\n    return browser.new_page()\n"}, True),
        ({"test_page.py": PAGE, "test_loop.py": "import asyncio\ndef test_it(): asyncio.run(x())\n"}, False),
        ({"test_page.py": PAGE, "test_loop.py": "from anyio.abc import X\n"}, False),
        ({"test_page.py": PAGE, "test_loop.py": "async def test_it(): ...\n"}, False),
        ({"test_page.py": PAGE, "test_broken.py": "def (\n"}, True),
        ({"test_page.py": PAGE, "test_deep.py": "(" * 5000 + ")" * 5000}, True),
        ({"page.txt": PAGE}, False),
    ],
)
def test_a_browser_is_started_ahead_where_a_test_asks_for_it_and_none_runs_a_loop(
    tmp_path: Path, files: dict[str, str], *, ahead: bool
) -> None:
    (tmp_path / "suite.toml").write_text('recipe = "tiny"\n')
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert browser_ahead(read_suite(tmp_path)) is ahead
