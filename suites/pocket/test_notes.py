import seed


def test_a_note_is_kept_changed_and_removed(app, http):
    assert seed.read(app, http, "list") is None
    for text in ("milk", "milk, bread"):
        seed.write(app, http, "list", text)
        assert seed.read(app, http, "list") == text
    seed.delete(app, http, "list")
    assert seed.read(app, http, "list") is None


def test_notes_need_the_password(app, http):
    user, _password = seed.keeper(app)
    assert http.get(seed.address("list")).status_code == 401
    assert http.get(seed.address("list"), auth=(user, "not-the-password")).status_code == 401


def test_a_key_that_would_leave_the_folder_is_refused(app, http):
    assert http.get(seed.address("../../etc/passwd"), auth=seed.keeper(app)).status_code == 400


def test_the_front_page_names_the_app(app, http):
    assert app.domain in http.get("/").text
