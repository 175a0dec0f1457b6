"""The JSON Schema of results.json, published in docs/reference/results.schema.json.

`python -m cc_ci.results.published > docs/reference/results.schema.json` writes it anew.
"""

import json
import sys

import msgspec

from cc_ci.results.schema import SCHEMA_VERSION, RunResult


def json_schema() -> str:
    """The schema as JSON text."""
    schema = msgspec.json.schema(RunResult)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"cc-ci results, version {SCHEMA_VERSION}"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
