"""What no run owns of a shared Keycloak: found from the rows of its database."""

import pytest

from cc_ci.providers.warm_digest import TableRow, digest, read, unowned

MASTER = [
    TableRow("realm", {"id": "m", "name": "master"}),
    TableRow("keycloak_role", {"id": "admin", "name": "admin", "realm_id": "m", "client": None}),
    TableRow("client", {"id": "acc", "client_id": "cc-ci-runs", "realm_id": "m"}),
    TableRow("user_entity", {"id": "svc", "username": "service-account-cc-ci-runs", "realm_id": "m"}),
]


def of_run(name: str) -> list[TableRow]:
    """What Keycloak adds for a realm: in it, and in `master` for those who look after it."""
    realm, client, role, own = (f"{part}-{name}" for part in ("realm", "client", "role", "own"))
    return [
        TableRow("realm", {"id": realm, "name": name, "master_admin_client": client}),
        TableRow("client", {"id": client, "client_id": f"{name}-realm", "realm_id": "m"}),
        TableRow("keycloak_role", {"id": role, "name": "manage-realm", "realm_id": "m", "client": client}),
        TableRow("composite_role", {"composite": "admin", "child_role": role}),
        TableRow("user_role_mapping", {"user_id": "svc", "role_id": role}),
        TableRow("user_entity", {"id": own, "username": "member", "realm_id": realm}),
        TableRow("credential", {"id": f"credential-{name}", "user_id": own, "secret_data": "x"}),
    ]


def test_runs_come_and_go_and_the_rest_has_one_digest() -> None:
    one, other = of_run("run-0000000a"), of_run("run-0000000b")
    assert digest([*one, *MASTER, *other]) == digest(MASTER) == digest([*reversed(MASTER), *other])
    assert unowned([*MASTER, *one]) == MASTER


EVIL = {
    "a user": TableRow("user_entity", {"id": "u", "username": "evil", "realm_id": "m"}),
    "a setting": TableRow(
        "realm_attribute", {"realm_id": "m", "name": "frontendUrl", "value": "https://evil"}
    ),
    "a realm of no run": TableRow("realm", {"id": "e", "name": "evil"}),
    "a run's user is everybody's administrator": TableRow(
        "user_role_mapping", {"user_id": "own-run-0000000a", "role_id": "admin"}
    ),
    "a run's role makes administrators": TableRow(
        "composite_role", {"composite": "role-run-0000000a", "child_role": "admin"}
    ),
    "a client that is named as a run's": TableRow(
        "user_role_mapping", {"user_id": "svc-of-run-0000000c-realm", "role_id": "admin"}
    ),
    "a client with a run's name alone": TableRow(
        "client", {"id": "c", "client_id": "run-0000000a", "realm_id": "m"}
    ),
}


@pytest.mark.attack(
    what="A run gives itself rights over a shared provider through rows that name its own realm.",
    before="There was no shared provider.",
    now="Links between roles are judged by whose role is given away, so each such row is detected.",
    layer="census",
)
@pytest.mark.parametrize("what", EVIL)
def test_what_gives_somebody_more_than_a_realm_shows(what: str) -> None:
    run = of_run("run-0000000a")
    assert digest([*MASTER, *run, EVIL[what]]) != digest([*MASTER, *run])


def test_a_start_counts_itself_and_changes_nothing() -> None:
    starts = [
        TableRow("server_config", {"server_config_key": "JGROUPS_ADDRESS_SEQUENCE", "value": n}) for n in "12"
    ]
    assert digest([*MASTER, starts[0]]) == digest([*MASTER, starts[1]])
    other = TableRow("server_config", {"server_config_key": "another", "value": "1"})
    assert digest([*MASTER, other]) != digest(MASTER)


def test_a_row_that_is_gone_or_changed_shows() -> None:
    changed = [MASTER[0], TableRow("keycloak_role", {**MASTER[1].values, "name": "other"}), *MASTER[2:]]
    assert len({digest(MASTER), digest(MASTER[:-1]), digest(changed)}) == 3


def test_rows_are_read_as_psql_prints_them() -> None:
    assert read('realm|{"id":"m","name":"a|b"}\n\n') == [TableRow("realm", {"id": "m", "name": "a|b"})]


@pytest.mark.parametrize("line", ["ERROR: no such table", "realm|{", "realm|[1]"])
def test_what_is_no_row_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"is no row|table realm"):
        read(line)
