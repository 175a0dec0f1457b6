import pytest
import seed

from cc_ci.suite.contents import contents, difference

BEYOND_THE_DEFAULT = 8 * 1024 * 1024 + 1
"""Bytes. Of an upload nginx takes 1 MiB, unless it is told otherwise."""

TYPES = {
    "page.html": "text/html",
    "style.css": "text/css",
    "script.js": "application/javascript",
    "picture.svg": "image/svg+xml",
    "picture.png": "image/png",
    "photo.jpg": "image/jpeg",
    "leaflet.pdf": "application/pdf",
    "letters.woff2": "font/woff2",
    "members.json": "application/json",
    "words.txt": "text/plain",
    "no-ending": "application/octet-stream",
}


def test_a_new_site_shows_a_page(http):
    answer = http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "</html>" in answer.text


@pytest.mark.parametrize("name", TYPES)
def test_what_an_editor_uploads_is_served_with_its_type(app, http, name):
    page = f"/types/{name}"
    seed.upload(app, http, page, b"9 to 5")
    answer = http.get(page)
    assert answer.content == b"9 to 5"
    assert answer.headers["content-type"].partition(";")[0] == TYPES[name]


def test_an_upload_takes_the_place_of_the_one_before(app, http):
    page = "/news.txt"
    for text in (b"first edition", b"second"):
        seed.upload(app, http, page, text)
    assert http.get(page).content == b"second"


def test_an_upload_beyond_the_server_s_default_comes_back_byte_by_byte(app, http):
    film = "/pictures/film.bin"
    content = contents("film", binary=BEYOND_THE_DEFAULT).binary
    seed.upload(app, http, film, content)
    assert difference(content, http.get(film).content) is None


def test_a_part_of_a_file_can_be_had(app, http):
    film = "/pictures/short-film.bin"
    content = contents("short film").binary
    seed.upload(app, http, film, content)
    answer = http.get(film, headers={"Range": "bytes=70000-70999"})
    assert answer.status_code == 206
    assert answer.content == content[70000:71000]
    assert answer.headers["content-range"] == f"bytes 70000-70999/{len(content)}"
    assert http.get(film, headers={"Range": f"bytes={len(content)}-"}).status_code == 416


def test_a_browser_that_has_the_page_is_not_sent_it_again(app, http):
    page = "/again.html"
    seed.upload(app, http, page, b"<p>once</p>")
    tag = http.get(page).headers["etag"]
    assert http.get(page, headers={"If-None-Match": tag}).status_code == 304
    seed.upload(app, http, page, b"<p>twice, and longer</p>")
    assert http.get(page, headers={"If-None-Match": tag}).text == "<p>twice, and longer</p>"


def test_names_that_differ_in_case_are_two_pages(app, http):
    seed.upload(app, http, "/Case.txt", b"upper")
    seed.upload(app, http, "/case.txt", b"lower")
    assert http.get("/Case.txt").content == b"upper"
    assert http.get("/CASE.txt").status_code == 404
    http.delete("/case.txt", auth=seed.editor(app)).raise_for_status()
    assert http.get("/Case.txt").content == b"upper"


def test_a_page_is_moved_and_copied_by_who_has_the_password(app, http):
    seed.upload(app, http, "/draft.txt", b"words")
    for method, source, target in (
        ("COPY", "/draft.txt", "/copy.txt"),
        ("MOVE", "/draft.txt", "/final.txt"),
    ):
        # nginx speaks http behind the proxy, and takes a destination as a path
        http.request(
            method, source, headers={"Destination": target}, auth=seed.editor(app)
        ).raise_for_status()
    assert http.get("/copy.txt").content == b"words"
    assert http.get("/final.txt").content == b"words"
    assert http.get("/draft.txt").status_code == 404


def test_what_is_deleted_is_gone(app, http):
    page = "/passing.txt"
    seed.upload(app, http, page, b"here")
    assert http.delete(page, auth=seed.editor(app)).status_code == 204
    assert http.get(page).status_code == 404


def test_a_folder_is_listed_in_the_variant_that_says_so_and_else_to_nobody(app, http):
    seed.upload(app, http, "/folder/inside.txt", b"words")
    answer = http.get("/folder/")
    assert answer.status_code == (200 if app.variant == "listing" else 403)
    assert ("inside.txt" in answer.text) == (app.variant == "listing")
