"""Each JSON output names its schema, and docs/reference/json.md has it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
COMMANDS = sorted((ROOT / "src/cc_ci/cli").glob("*.py"))
NAMED = re.compile(r'tell_json\(\s*"([a-z]+)"(?: if chain else "([a-z]+)")?')


def schemas() -> set[str]:
    found = (match for path in COMMANDS for match in NAMED.findall(path.read_text()))
    return {name for match in found for name in match if name}


def test_the_page_has_each_schema_and_no_other() -> None:
    page = (ROOT / "docs/reference/json.md").read_text()
    told = set(re.findall(r"`cc-ci\.([a-z]+)`", page))
    assert told == {*schemas(), "results", "plan"}


def test_no_command_prints_json_in_another_way() -> None:
    bare = [
        path.name for path in COMMANDS if re.search(r"echo\(.*(msgspec\.json|json\.dumps)", path.read_text())
    ]
    assert bare == ["told_json.py"]
