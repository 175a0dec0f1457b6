import matrix
import pytest


@pytest.fixture(scope="module")
def token():
    return {}


@pytest.fixture
def user(app, http, token):
    if "value" not in token:
        token["value"] = matrix.log_in(app, http)
    return matrix.User(http, token["value"])


def test_who_signs_on_has_the_name_that_keycloak_knows(app, user):
    assert user.name == f"@{app.sso.username}:{app.domain}"


def test_a_message_is_read_as_it_was_sent(user):
    room = user.make_room("minutes")
    event = user.send(room, "We meet on <Monday> 🌻")
    assert user.message(room, event) == "We meet on <Monday> 🌻"


def test_a_file_comes_back_byte_by_byte(user):
    content = bytes(range(256)) * 256
    assert user.download(user.upload(content, name="all-bytes.bin")) == content


def test_a_file_is_for_members_only(http, user):
    place = user.upload(b"for us", name="plan.txt").removeprefix("mxc://")
    assert http.get(f"/_matrix/client/v1/media/download/{place}").status_code == 401


def test_a_token_that_was_never_given_opens_nothing(http):
    answer = http.get(f"{matrix.CLIENT}/account/whoami", headers={"authorization": "Bearer syt_made_up"})
    assert answer.status_code == 401


def test_other_servers_are_told_the_way(app, http):
    assert http.get("/.well-known/matrix/server").json() == {"m.server": f"{app.domain}:443"}
