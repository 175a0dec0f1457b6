"""Markers are small files, which an editor uploads and everybody may read."""

NOT_FOUND = 404


def write(app, http, key, value):
    http.put(address(key), content=value.encode(), auth=editor(app)).raise_for_status()


def read(app, http, key):
    answer = http.get(address(key))
    if answer.status_code == NOT_FOUND:
        return None
    return answer.raise_for_status().text


def delete(app, http, key):
    http.delete(address(key), auth=editor(app)).raise_for_status()


def address(key):
    return f"/notes/{key}.txt"


def editor(app):
    return app.env["UPLOAD_USER"], app.secret("upload_password")
