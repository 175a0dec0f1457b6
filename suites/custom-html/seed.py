"""A marker is a small site in a folder of its own, which an editor uploads and everybody may read.

It has files of every kind: short, in many scripts (the name as well), long, binary and empty, two whose
names differ in case only, in several folders, and a folder with nothing in it. Each is uploaded with a date
long ago, which the server keeps as its time of change.

The site is all the data that there is: no database, no accounts but the editor's own, no sessions. Owner and
mode can't be set by an upload. They show in that nginx may still read the files, and in that an editor may
still upload after an upgrade and a restore.
"""

from cc_ci.suite.contents import contents, difference

NOT_FOUND = 404
LISTED_OR_FORBIDDEN = (200, 403)
"""What a folder without a page answers, by whether folders are listed."""
LONG_AGO = "Sun, 13 Sep 2020 12:26:40 GMT"
SHORT = "short.txt"
EMPTY_FOLDER = "nothing/"


def write(app, http, key, value):
    folder = address(key)
    for name, content in files(value).items():
        upload(app, http, folder + name, content, headers={"Date": LONG_AGO})
    if http.get(folder + EMPTY_FOLDER).status_code == NOT_FOUND:
        http.request("MKCOL", folder + EMPTY_FOLDER, auth=editor(app)).raise_for_status()


def read(app, http, key):
    folder = address(key)
    found = {name: fetch(http, folder + name) for name in files("")}
    if http.get(folder).status_code == NOT_FOUND:
        return None
    short = found[SHORT]
    assert short is not None, f"{folder}{SHORT} is gone, and its folder is there"
    value = short.content.decode(errors="replace")
    for name, content in files(value).items():
        answer = found[name]
        lost = difference(content, None if answer is None else answer.content)
        assert lost is None, f"{folder}{name}: {lost}"
        time = answer.headers["last-modified"]
        assert time == LONG_AGO, f"{folder}{name}: was changed {time} instead of {LONG_AGO}"
    there = http.get(folder + EMPTY_FOLDER).status_code
    assert there in LISTED_OR_FORBIDDEN, f"{folder}{EMPTY_FOLDER}: {there}: the empty folder is gone"
    return value


def delete(app, http, key):
    http.delete(address(key), auth=editor(app)).raise_for_status()


def files(value):
    """What the marker's folder has, by name."""
    made = contents(value)
    return {
        SHORT: value.encode(),
        SHORT.upper(): value.swapcase().encode(),
        "letters.html": made.letters.encode(),
        "Grüße an 你.txt": made.letters.swapcase().encode(),
        "deep/er/long.css": made.long.encode(),
        "pictures/binary.png": made.binary,
        "deep/empty.txt": b"",
    }


def upload(app, http, path, content, **options):
    http.put(path, content=content, auth=editor(app), **options).raise_for_status()


def fetch(http, path):
    answer = http.get(path)
    return None if answer.status_code == NOT_FOUND else answer.raise_for_status()


def address(key):
    return f"/notes/{key}/"


def editor(app):
    return app.env["UPLOAD_USER"], app.secret("upload_password")
