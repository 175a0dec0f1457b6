"""Each key of the compose format that our reader knows has a decision."""

from collections.abc import Iterator
from typing import Any

from cc_ci.engine.labels import PREFIX
from cc_ci.recipes.kinds import Kind
from cc_ci.recipes.mappings import Each, Struct
from cc_ci.recipes.policy.keys import CHECKS, DROPPED, HARMLESS, JUDGED
from cc_ci.recipes.policy.labels import RESERVED
from cc_ci.recipes.sections import SECTIONS, External
from cc_ci.recipes.service_lists import LONG_PORT, LONG_REFERENCE, LONG_VOLUME, PORTS, REFERENCES, VOLUMES
from cc_ci.recipes.services import SERVICE_NETWORK, ServiceNetworks

LONG_FORMS: dict[int, Struct] = {
    id(PORTS): LONG_PORT,
    id(REFERENCES): LONG_REFERENCE,
    id(VOLUMES): LONG_VOLUME,
}


def leaves(kind: Kind | Any, path: str) -> Iterator[str]:
    """The keys below which there is no key of the format any more."""
    if isinstance(kind, ServiceNetworks):
        yield from leaves(SERVICE_NETWORK, path)
    elif id(kind) in LONG_FORMS:
        yield from leaves(LONG_FORMS[id(kind)], path)
    elif isinstance(kind, Each):
        yield from leaves(kind._item, path)
    elif isinstance(kind, Struct) and not isinstance(kind, External) and kind.fields:
        for name, child in kind.fields.items():
            yield from leaves(child, f"{path}.{name}")
    else:
        yield path


def known_keys() -> set[str]:
    return {leaf for section, kind in SECTIONS.items() for leaf in leaves(kind, f"{section}.*")}


def test_every_key_has_one_decision() -> None:
    decided = HARMLESS | DROPPED | CHECKS.keys() | JUDGED
    below_dropped = {key for key in known_keys() if any(key.startswith(f"{place}.") for place in DROPPED)}
    assert known_keys() - decided - below_dropped == set()
    assert len(HARMLESS) + len(DROPPED) + len(CHECKS) + len(JUDGED) == len(decided)


def test_no_decision_is_on_a_key_that_there_is_not() -> None:
    """Or a misspelt one would stay without."""
    inner = {key.rpartition(".")[0] for key in known_keys()}
    of_dockers_own = {"volumes.*.x-cluster-spec"}
    assert (HARMLESS | DROPPED | CHECKS.keys() | JUDGED) - known_keys() - inner == of_dockers_own


def test_what_a_check_of_a_key_around_it_looks_at_has_such_a_check() -> None:
    for key in JUDGED:
        around = {key.rsplit(".", count)[0] for count in range(1, key.count("."))}
        named = key.endswith((".name", ".external", ".file", ".driver_opts"))
        assert around & CHECKS.keys() or named, key


def test_the_labels_that_are_reserved_are_ours() -> None:
    assert PREFIX in RESERVED
