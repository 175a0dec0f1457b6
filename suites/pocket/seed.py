"""Markers are notes, kept and asked for with the password."""

NOT_FOUND = 404


def write(app, http, key, value):
    http.post(address(key), content=value.encode(), auth=keeper(app)).raise_for_status()


def read(app, http, key):
    answer = http.get(address(key), auth=keeper(app))
    if answer.status_code == NOT_FOUND:
        return None
    return answer.raise_for_status().text


def delete(app, http, key):
    http.post(address(key), content=b"", auth=keeper(app)).raise_for_status()


def address(key):
    return f"/cgi-bin/notes?{key}"


def keeper(app):
    return "pocket", app.secret("password")
