"""The files of a new suite that are the same for every recipe, up to the PATH that the app answers at."""

TESTS = """\
import pytest

CHECKOUT = {
    "/.git/config": "repositoryformatversion",
    "/.env": "LETS_ENCRYPT_ENV=",
    "/compose.yml": "traefik.enable",
}


def test_the_app_answers(http):
    answer = http.get(PATH)
    assert answer.status_code < 500


@pytest.mark.parametrize("path", CHECKOUT)
def test_no_file_of_the_recipe_is_served(http, path):
    assert CHECKOUT[path] not in http.get(path).text


# What the users of this app need, and what you alone can write:
# - what it is for: the one thing that people do with it each day
# - usual accounts (admin, admin), and registering where nobody is asked, are refused
# - each method that writes is refused without a password, the API without a key
# - an upload beyond the usual limits (1 MiB, 16 MiB) comes back byte by byte
# - names and keys that differ in case are two things, or one, whatever the app promises
"""

SEED = '''\
"""Markers are ... (what a user would miss). Fill in put, get and remove, then name this file by `seeds`.

With these three, a marker is of every kind of content that is known to get lost: short, empty, in many
scripts, longer than 64 kB, binary, and two names that differ in case only. Take out what the app can't
hold, and say so here.

Until this file is named, markers are folders in the volumes: they show that files come back with owner,
mode and time, and not that the app can use them. What else to seed, you alone know:
- things of other sorts: an account, a folder, a picture, a comment; in `write` and in `read`
- a log-in or an API key from before: keep it in `app.kept` in `write`, and use it in `read`
"""

from cc_ci.suite.contents import contents, difference


def put(app, http, name, content):
    """Store these bytes under `name`, as a user does, in the place of what is there."""
    raise NotImplementedError


def get(app, http, name):
    """The bytes that the app has under `name`; None if it has nothing."""
    raise NotImplementedError


def remove(app, http, name):
    """Take `name` away; it may not be there."""
    raise NotImplementedError


def write(app, http, key, value):
    for name, content in pieces(key, value).items():
        put(app, http, name, content)


def read(app, http, key):
    found = {name: get(app, http, name) for name in pieces(key, "")}
    if all(content is None for content in found.values()):
        return None
    assert found[key] is not None, f"{key} is gone, and the rest of its marker is there"
    value = found[key].decode(errors="replace")
    for name, content in pieces(key, value).items():
        lost = difference(content, found[name])
        assert lost is None, f"{name}: {lost}"
    return value


def delete(app, http, key):
    for name in pieces(key, ""):
        remove(app, http, name)


def pieces(key, value):
    """What the marker consists of, by name."""
    made = contents(value)
    return {
        key: made.short.encode(),
        key.swapcase(): made.short.swapcase().encode(),
        f"{key}-letters": made.letters.encode(),
        f"{key}-long": made.long.encode(),
        f"{key}-binary": made.binary,
        f"{key}-empty": b"",
    }
'''
