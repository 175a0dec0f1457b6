import seed


def test_a_new_site_shows_a_page(http):
    answer = http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "</html>" in answer.text


def test_what_an_editor_uploads_is_served_with_its_type(app, http):
    page = "/shop/opening-hours.html"
    assert http.put(page, content=b"<h1>9 to 5</h1>", auth=seed.editor(app)).is_success
    answer = http.get(page)
    assert answer.text == "<h1>9 to 5</h1>"
    assert answer.headers["content-type"].startswith("text/html")


def test_an_upload_takes_the_place_of_the_one_before(app, http):
    page = "/news.txt"
    for text in ("first edition", "second"):
        assert http.put(page, content=text.encode(), auth=seed.editor(app)).is_success
    assert http.get(page).text == "second"


def test_a_large_file_comes_back_byte_by_byte(app, http):
    picture = "/pictures/large.bin"
    content = bytes(range(256)) * 4096
    assert http.put(picture, content=content, auth=seed.editor(app)).is_success
    assert http.get(picture).content == content


def test_what_is_deleted_is_gone(app, http):
    page = "/passing.txt"
    assert http.put(page, content=b"here", auth=seed.editor(app)).is_success
    assert http.delete(page, auth=seed.editor(app)).status_code == 204
    assert http.get(page).status_code == 404


def test_only_who_has_the_password_may_write(app, http):
    page = "/intruder.html"
    user, _password = seed.editor(app)
    assert http.put(page, content=b"x").status_code == 401
    assert http.put(page, content=b"x", auth=(user, "not-the-password")).status_code == 401
    assert http.delete("/index.html").status_code == 401
    assert http.get(page).status_code == 404
