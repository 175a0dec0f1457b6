import pytest
import seed

USUAL = [("pocket", "pocket"), ("pocket", ""), ("admin", "admin"), ("admin", "password"), ("", "")]
NO_KEYS = ["../../etc/passwd", "..", "%2e%2e%2fentries", "a/b", "a.b", "", "a%00b", "*"]


def test_notes_need_the_password(app, http):
    user, _password = seed.keeper(app)
    assert http.get(seed.address("list")).status_code == 401
    assert http.get(seed.address("list"), auth=(user, "not-the-password")).status_code == 401


@pytest.mark.parametrize(("user", "password"), USUAL)
def test_no_usual_password_opens_it(app, http, user, password):
    assert http.get(seed.address("list"), auth=(user, password)).status_code == 401
    assert http.post(seed.address("list"), auth=(user, password)).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "MOVE", "OPTIONS"])
def test_no_method_changes_a_note_without_the_password(app, http, method):
    seed.keep(app, http, "guarded", b"as it was")
    # nothing is sent, which would remove the note: busybox hangs up on a body that it won't read
    answer = http.request(method, seed.address("guarded"))
    # it knows GET and POST, and has not implemented the others
    assert answer.status_code in (401, 405, 501)
    assert seed.get(app, http, "guarded") == b"as it was"


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "..", "%2e%2e%2fentries", "a/b", "a.b", "", "a%00b", "*"]
)
def test_a_key_that_is_none_is_refused(app, http, key):
    assert http.get(seed.address(key), auth=seed.keeper(app)).status_code == 400
    assert http.post(seed.address(key), auth=seed.keeper(app)).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/etc/httpd.conf",
        "/cgi-bin/%2e%2e/%2e%2e/etc/httpd.conf",
        "/..%2f..%2frun/secrets/password",
        "/run/secrets/password",
        "/notes/entries/guarded",
        "/cgi-bin/../httpd.conf",
        "/httpd.conf",
        "/.git/config",
        "/.env",
    ],
)
def test_nothing_but_the_front_page_and_the_notes_is_served(app, http, path):
    seed.keep(app, http, "guarded", b"as it was")
    answer = http.get(path)
    assert answer.status_code in (400, 401, 403, 404)
    _user, password = seed.keeper(app)
    assert password not in answer.text
    assert "as it was" not in answer.text


def test_the_notes_are_listed_to_nobody(app, http):
    assert http.get("/cgi-bin/").status_code in (401, 403, 404)
    assert http.get("/cgi-bin/", auth=seed.keeper(app)).status_code in (403, 404)
