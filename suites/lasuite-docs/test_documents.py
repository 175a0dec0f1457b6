"""As a user of the API; how the log-in looks in a browser is in test_sso_browser.py."""

import re
import time

import pytest
import seed
from account import API, log_in

EMPTY = "AAA="
"""A Yjs update that changes nothing, as the editor sends documents: base64."""
WORKED, BETWEEN_LOOKS = 60, 1
"""Seconds."""


@pytest.fixture
def user(app, http):
    return log_in(app, http)


@pytest.fixture
def document(user):
    made = seed.made(user, "minutes")
    yield made
    user.delete(f"{API}/documents/{made['id']}/")


def test_it_runs_as_in_production(http):
    assert http.get(f"{API}/config/").json()["ENVIRONMENT"] == "production"


def test_nobody_writes_without_a_log_in(http):
    assert http.get(f"{API}/users/me/").status_code == 401
    assert http.post(f"{API}/documents/", json={"title": "intruder"}).status_code == 401


def test_the_user_is_who_logged_in(app, user):
    assert user.get(f"{API}/users/me/").json()["email"] == app.sso.email


def test_a_document_is_made_renamed_and_removed(user, document):
    address = f"{API}/documents/{document['id']}/"
    assert user.patch(address, json={"title": "minutes of May"}).status_code == 200
    assert user.get(address).json()["title"] == "minutes of May"
    assert user.delete(address).status_code == 204
    titles = [one["title"] for one in user.get(f"{API}/documents/").json()["results"]]
    assert "minutes of May" not in titles


def test_what_the_editor_saves_comes_back_from_the_store(user, document):
    address = f"{API}/documents/{document['id']}/content/"
    assert user.patch(address, json={"content": EMPTY}).status_code == 204
    assert user.get(address).text == EMPTY


def test_a_document_is_nobody_elses(app, user, document, browser):
    address = f"{API}/documents/{document['id']}/"
    assert user.get(address).status_code == 200
    stranger = browser.request.get(address)
    assert stranger.status in (401, 403)


def test_a_file_is_for_those_alone_who_may_read_its_document(app, user, http, browser):
    seed.write(app, http, "plan", "the garden")
    assert seed.read(app, http, "plan") == "the garden"
    (document,) = seed.found(user, "plan")
    file = document["title"].removeprefix("plan ")
    assert browser.request.get(f"/media/{file}").status in (401, 403)
    seed.delete(app, http, "plan")
    assert seed.read(app, http, "plan") is None


def test_the_children_of_a_document_are_listed(user, document):
    children = f"{API}/documents/{document['id']}/children/"
    assert user.post(children, json={"title": "annex"}).status_code == 201
    assert [one["title"] for one in user.get(children).json()["results"]] == ["annex"]


def test_the_worker_has_come_up_and_takes_tasks(app):
    said = app.logs("celery", lines=500)
    assert re.search(r"impress@\S+ ready\.", said), said[-500:]


def test_the_worker_tells_the_collaboration_server_who_may_read_now(app, user, document):
    """A task of its own: the API only asks for it, and the worker's log says what came of it."""
    before = ended(app)
    place = f"{API}/documents/{document['id']}/link-configuration/"
    assert user.put(place, json={"link_reach": "authenticated"}).status_code == 200
    ends = time.monotonic() + WORKED
    while ended(app) == before and time.monotonic() < ends:
        time.sleep(BETWEEN_LOOKS)
    new = [said for task, said in ended(app) - before if task.startswith("core.tasks.access.")]
    assert new == ["succeeded"], app.logs("celery", lines=20)


def ended(app):
    """Name and number of each task that the worker is done with, and how it ended."""
    found = re.findall(r"Task (\S+\[\S+\]) (succeeded|raised|failed)", app.logs("celery", lines=1000))
    return set(found)
