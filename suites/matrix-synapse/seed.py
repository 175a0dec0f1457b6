"""Markers are a message in a room and a file, of an account that came in through Keycloak once.

The run keeps the access token of that one log-in, so that every later call shows that it still works.
"""

import matrix


def write(app, http, key, value):
    user = account(app, http)
    room = user.make_room(key)
    place = {
        "room": room,
        "event": user.send(room, value),
        "file": user.upload(value.encode(), name=f"{key}.txt"),
    }
    user.ask("PUT", index(user, key), json=place).raise_for_status()


def read(app, http, key):
    user = account(app, http)
    place = where(user, key)
    if place is None:
        return None
    message = user.message(place["room"], place["event"])
    file = user.download(place["file"]).decode()
    assert message == file, f"the message says {message!r}, the file {file!r}"
    return message


def delete(app, http, key):
    user = account(app, http)
    user.leave(where(user, key)["room"])
    user.ask("PUT", index(user, key), json={}).raise_for_status()


def account(app, http):
    if "token" not in app.kept:
        app.kept["token"] = matrix.log_in(app, http)
    return matrix.User(http, app.kept["token"])


def index(user, key):
    """The account's own note of where a marker is."""
    return f"{matrix.CLIENT}/user/{user.name}/account_data/{key}"


def where(user, key):
    answer = user.ask("GET", index(user, key))
    if answer.status_code == 404:
        return None
    return answer.raise_for_status().json() or None
