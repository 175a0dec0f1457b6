"""YAML that no reader takes for anything but what was written: all text is in double quotes, in ASCII."""

from typing import Any

import yaml


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - part of the protocol
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Dumper.add_representer(str, _text)


def write_yaml(tree: Any) -> str:
    """`tree` of mappings, lists, text, numbers, booleans and None, in its own order."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=2**31 - 1)
