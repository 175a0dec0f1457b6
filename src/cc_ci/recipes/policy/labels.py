"""Labels: whose they are to set."""

from collections.abc import Iterator, Mapping

from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.refusals import Refusal

RESERVED = {
    "cc-ci.": "says whose it is and is cc-ci's to set",
    "com.docker.": "is docker's own to set",
    "io.docker.": "is docker's own to set",
    "org.dockerproject.": "is docker's own to set",
}
"""Beginnings of labels, whatever their letters' size; the last two are reserved by docker, too."""


def labels(look: Look, key: str, _name: str, value: Mapping[str, str]) -> Iterator[Refusal]:
    for label in value:
        why = next((why for start, why in RESERVED.items() if label.lower().startswith(start)), None)
        if why:
            yield look.refuse(f"{key}.{label}", why, remedy="leave the label out")
