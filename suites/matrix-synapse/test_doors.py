"""What somebody from outside must not get at, what members may, and where it ends."""

import secrets
from urllib.parse import quote

import httpx2
import matrix
import pytest

UNIT = {"K": 2**10, "M": 2**20}
TOO_LARGE, BAD_GATEWAY = 413, 502


def refused(member, content):
    """Synapse answers, or breaks the connection off, of which a proxy makes an answer of its own."""
    try:
        return member.try_upload(content, name="beyond.bin").status_code in (TOO_LARGE, BAD_GATEWAY)
    except httpx2.HTTPError:
        return True


@pytest.fixture(scope="session")
def members_made():
    return []


@pytest.fixture
def member(app, http, members_made):
    """An account that the operator made, with a password."""
    if not members_made:
        name = f"member-{secrets.token_hex(4)}"
        made = matrix.register(http, app.secret("registration"), name, name)
        members_made.append(made.raise_for_status().json()["access_token"])
    return matrix.User(http, members_made[0])


@pytest.mark.parametrize("kind", ["user", "guest"])
def test_nobody_registers_by_themselves(http, kind):
    asked = {"username": "intruder", "password": "a password", "auth": {"type": "m.login.dummy"}}
    answer = http.post(f"{matrix.CLIENT}/register?kind={kind}", json=asked)
    assert answer.status_code == 403, answer.text
    assert answer.json()["errcode"] in ("M_FORBIDDEN", "M_UNKNOWN")


def test_the_operators_way_to_make_accounts_takes_their_secret(app, http):
    name = f"intruder-{secrets.token_hex(4)}"
    wrong = matrix.register(http, "not the secret", name, "a password")
    assert wrong.status_code == 403, wrong.text
    nonce = http.get(matrix.REGISTER).json()["nonce"]
    without = {"nonce": nonce, "username": name, "password": "a password"}
    assert http.post(matrix.REGISTER, json=without).status_code == 400
    mac = matrix.signed(app.secret("registration"), "another nonce", name, "a password")
    old = matrix.asked_for("another nonce", name, "a password", mac)
    assert http.post(matrix.REGISTER, json=old).status_code == 400
    assert http.get(f"{matrix.CLIENT}/profile/{quote(f'@{name}:{app.domain}')}").status_code == 404


def test_a_log_in_needs_a_password(http, member):
    who = {"type": "m.id.user", "user": member.name}
    answer = http.post(f"{matrix.CLIENT}/login", json={"type": matrix.PASSWORD, "identifier": who})
    assert answer.status_code == 400, answer.text
    assert member.has_password("") is False
    assert member.has_password(member.name) is False
    assert member.has_password(member.name.removeprefix("@").partition(":")[0]) is True


def test_names_are_in_small_letters_so_that_two_can_not_differ_in_case_alone(app, http, member):
    local = member.name.removeprefix("@").partition(":")[0]
    answer = matrix.register(http, app.secret("registration"), local.upper(), "a password")
    assert answer.status_code == 400, answer.text
    again = matrix.register(http, app.secret("registration"), local, "a password")
    assert again.json()["errcode"] == "M_USER_IN_USE"


@pytest.mark.parametrize(
    "path",
    [
        "/_synapse/admin/v2/users",
        "/_synapse/admin/v1/rooms",
        "/_matrix/client/v3/publicRooms",
        "/_matrix/client/v3/sync",
        "/_matrix/client/v3/account/whoami",
    ],
)
def test_nothing_is_told_without_a_token(http, path):
    answer = http.get(path)
    assert answer.status_code == 401
    assert answer.json()["errcode"] == "M_MISSING_TOKEN"


def test_a_member_is_no_administrator(member):
    assert member.ask("GET", "/_synapse/admin/v2/users").status_code == 403
    own = f"/_synapse/admin/v2/users/{quote(member.name)}"
    assert member.ask("PUT", own, json={"admin": True}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/_synapse/metrics", "/metrics", "/_synapse/replication", "/_matrix/static/../data"]
)
def test_what_is_for_the_operator_is_not_public(http, path):
    assert http.get(path).status_code in (400, 404)


def test_who_logged_out_has_no_token(app, http):
    name = f"guest-{secrets.token_hex(4)}"
    made = matrix.register(http, app.secret("registration"), name, name).raise_for_status().json()
    user = matrix.User(http, made["access_token"])
    user.post(f"{matrix.CLIENT}/logout", {})
    assert user.ask("GET", f"{matrix.CLIENT}/account/whoami").status_code == 401


def test_a_room_is_for_its_members_only(app, http, member):
    room = member.make_room("ours")
    event = member.send(room, "for us")
    name = f"stranger-{secrets.token_hex(4)}"
    made = matrix.register(http, app.secret("registration"), name, name).raise_for_status().json()
    stranger = matrix.User(http, made["access_token"])
    for path in (f"event/{quote(event)}", "state", "joined_members"):
        assert stranger.ask("GET", f"{matrix.CLIENT}/rooms/{quote(room)}/{path}").status_code in (403, 404)
    assert stranger.ask("POST", f"{matrix.CLIENT}/rooms/{quote(room)}/join", json={}).status_code == 403


def test_uploads_go_up_to_the_limit_that_the_recipe_gives_and_no_further(app, http, member):
    number, unit = app.env["MAX_UPLOAD_SIZE"][:-1], app.env["MAX_UPLOAD_SIZE"][-1]
    limit = int(number) * UNIT[unit]
    told = member.get("/_matrix/client/v1/media/config")["m.upload.size"]
    assert told == limit
    whole = member.try_upload(b"\0" * limit, name="whole.bin")
    assert whole.status_code == 200, whole.text
    place = whole.json()["content_uri"].removeprefix("mxc://")
    known = {"authorization": f"Bearer {member.token}"}
    with http.stream("GET", f"/_matrix/client/v1/media/download/{place}", headers=known) as back:
        assert int(back.headers["content-length"]) == limit
    assert refused(member, b"\0" * (limit + 1))
    assert http.get("/health").text == "OK"


def test_a_message_that_is_longer_than_servers_take_is_refused(member):
    room = member.make_room("long")
    place = f"{matrix.CLIENT}/rooms/{quote(room)}/send/m.room.message/1"
    answer = member.ask("PUT", place, json={"msgtype": "m.text", "body": "x" * 66_000})
    assert answer.status_code == TOO_LARGE, answer.text


def test_a_file_is_not_on_the_way_that_asks_for_no_token(http, member):
    place = member.upload(b"for us", name="plan.txt").removeprefix("mxc://")
    for way in ("v3", "r0"):
        assert http.get(f"/_matrix/media/{way}/download/{place}").status_code in (401, 404)


def test_other_servers_get_what_is_public_and_have_to_sign_for_the_rest(app, http, member):
    assert http.get("/_matrix/federation/v1/version").json()["server"]["name"] == "Synapse"
    said = http.get("/_matrix/key/v2/server").json()
    assert said["server_name"] == app.domain
    assert set(said["signatures"][app.domain]) == set(said["verify_keys"])
    unsigned = http.get(f"/_matrix/federation/v1/query/profile?user_id={quote(member.name)}")
    assert unsigned.status_code == 401


def test_clients_are_told_the_way(app, http):
    told = http.get("/.well-known/matrix/client")
    assert told.json()["m.homeserver"]["base_url"] == f"{app.url.rstrip('/')}/"
    assert told.headers["access-control-allow-origin"] == "*"
