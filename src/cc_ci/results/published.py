"""The JSON Schema of results.json, published in docs/reference/results.schema.json.

`python -m cc_ci.results.published > docs/reference/results.schema.json` writes it anew.
"""

import inspect
import json
import sys
from typing import Any

import msgspec

from cc_ci.results.schema import SCHEMA_VERSION, RunResult


def json_schema() -> str:
    """The schema as JSON text."""
    schema = msgspec.json.schema(RunResult)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"cc-ci results, version {SCHEMA_VERSION}"
    return json.dumps(_unindented(schema), indent=2, sort_keys=True) + "\n"


def _unindented(value: Any) -> Any:
    """Docstrings as Python 3.13 keeps them, whichever Python this is."""
    match value:
        case dict():
            return {key: _unindented(part) for key, part in value.items()}
        case list():
            return [_unindented(part) for part in value]
        case str():
            return inspect.cleandoc(value)
        case _:
            return value


if __name__ == "__main__":
    sys.stdout.write(json_schema())
