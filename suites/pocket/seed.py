"""A marker is five notes: short, under the same key in other case, in many scripts, long, and binary.

That is all that pocket holds: it has no folders, no owners or modes that its users could see, and no empty
note, since to send nothing removes one. It has no sessions either: old notes are read with the same password
in every version, and after each restore.
"""

from cc_ci.suite.contents import contents, difference

NOT_FOUND = 404


def write(app, http, key, value):
    for name, content in notes(key, value).items():
        keep(app, http, name, content)


def read(app, http, key):
    found = {name: get(app, http, name) for name in notes(key, "")}
    if not any(content is not None for content in found.values()):
        return None
    assert found[key] is not None, f"note {key} is gone, and others of its marker are there"
    value = found[key].decode(errors="replace")
    for name, content in notes(key, value).items():
        lost = difference(content, found[name])
        assert lost is None, f"note {name}: {lost}"
    return value


def delete(app, http, key):
    for name in notes(key, ""):
        keep(app, http, name, b"")


def notes(key, value):
    """What the marker consists of, by the keys of its notes."""
    made = contents(value)
    return {
        key: value.encode(),
        key.swapcase(): value.swapcase().encode(),
        f"{key}-letters": made.letters.encode(),
        f"{key}-long": made.long.encode(),
        f"{key}-binary": made.binary,
    }


def keep(app, http, key, content):
    """Store a note; to store nothing removes it."""
    http.post(address(key), content=content, auth=keeper(app)).raise_for_status()


def get(app, http, key):
    answer = http.get(address(key), auth=keeper(app))
    if answer.status_code == NOT_FOUND:
        return None
    return answer.raise_for_status().content


def address(key):
    return f"/cgi-bin/notes?{key}"


def keeper(app):
    return "pocket", app.secret("password")
