import pytest
import seed

USUAL = [("editor", "editor"), ("editor", ""), ("editor", "password"), ("admin", "admin"), ("", "")]
WRITING = ["PUT", "DELETE", "MKCOL", "COPY", "MOVE", "POST", "PATCH", "PROPFIND", "PROPPATCH", "LOCK"]
HIDDEN = [
    "/.env",
    "/.git/config",
    "/.git/HEAD",
    "/.htpasswd",
    "/.DS_Store",
    "/htpasswd",
    "/custom-html/htpasswd",
    "/edit/../htpasswd",
    "/edit%2f..%2fhtpasswd",
    "/upload_password",
]
OUTSIDE = [
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/nginx/custom-html/htpasswd",
    "/..%2f..%2f..%2f..%2frun/secrets/upload_password",
    "/edit%2e%2e/htpasswd",
    "/notes/%2e%2e/%2e%2e/%2e%2e/run/secrets/upload_password",
    "/%252e%252e/run/secrets/upload_password",
]


@pytest.mark.parametrize("method", WRITING)
def test_no_method_but_reading_is_allowed_without_the_password(app, http, method):
    seed.upload(app, http, "/guarded.txt", b"as it was")
    headers = {"Destination": "/taken.txt"}
    assert http.request(method, "/guarded.txt", content=b"mine", headers=headers).status_code in (401, 405)
    assert http.get("/guarded.txt").content == b"as it was"
    assert http.get("/taken.txt").status_code == 404


@pytest.mark.parametrize(("user", "password"), USUAL)
def test_no_usual_password_writes(http, user, password):
    assert http.put("/usual.txt", content=b"mine", auth=(user, password)).status_code == 401
    assert http.get("/usual.txt").status_code == 404


def test_only_who_has_the_password_may_write(app, http):
    page = "/intruder.html"
    user, password = seed.editor(app)
    assert http.put(page, content=b"x").status_code == 401
    assert http.put(page, content=b"x", auth=(user, "not-the-password")).status_code == 401
    assert http.put(page, content=b"x", auth=(f"{user}2", password)).status_code == 401
    assert http.delete("/index.html").status_code == 401
    assert http.get(page).status_code == 404


@pytest.mark.parametrize("path", HIDDEN)
def test_what_is_no_page_is_not_served(app, http, path):
    assert http.get(path).status_code in (400, 403, 404)


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_of_the_site_is_served_or_written(app, http, path):
    _user, password = seed.editor(app)
    answer = http.get(path)
    assert answer.status_code in (400, 403, 404)
    assert password not in answer.text
    changed = http.put(path, content=b"mine", auth=seed.editor(app))
    # a path that is encoded twice is the name of a page
    assert changed.status_code in (400, 403, 404, 405, 409) or http.get(path).content == b"mine"


@pytest.mark.parametrize("target", ["/../../../tmp/taken.txt", "/%2e%2e/%2e%2e/taken.txt"])
def test_a_page_can_t_be_moved_out_of_the_site(app, http, target):
    seed.upload(app, http, "/stays.txt", b"as it was")
    answer = http.request("MOVE", "/stays.txt", headers={"Destination": target}, auth=seed.editor(app))
    assert answer.status_code == 400
    assert http.get("/stays.txt").content == b"as it was"


def test_a_folder_is_not_taken_away_by_its_page_s_name(app, http):
    seed.upload(app, http, "/kept/inside.txt", b"words")
    assert not http.delete("/kept", auth=seed.editor(app)).is_success
    assert http.get("/kept/inside.txt").content == b"words"
