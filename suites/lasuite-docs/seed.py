"""Markers are documents with a file in them: their name is in the database, the file in the object store."""

from urllib.parse import parse_qs, urlsplit

from account import API, log_in


def write(app, http, key, value):
    log_in(app, http)
    for document in found(http, key):
        remove(http, document)
    document = made(http, key)
    upload = {"file": (f"{key}.txt", value.encode(), "text/plain")}
    answer = http.post(f"{API}/documents/{document['id']}/attachment-upload/", files=upload)
    assert answer.status_code == 201, answer.text
    # the API does not list a document's files, so its name says where the file is
    file = parse_qs(urlsplit(answer.json()["file"]).query)["key"][0]
    renamed = http.patch(f"{API}/documents/{document['id']}/", json={"title": f"{key} {file}"})
    assert renamed.status_code == 200, renamed.text


def read(app, http, key):
    log_in(app, http)
    documents = found(http, key)
    if not documents:
        return None
    file = documents[0]["title"].removeprefix(f"{key} ")
    return http.get(f"/media/{file}").raise_for_status().text


def delete(app, http, key):
    log_in(app, http)
    for document in found(http, key):
        remove(http, document)


def made(http, title):
    answer = http.post(f"{API}/documents/", json={"title": title})
    assert answer.status_code == 201, answer.text
    return answer.json()


def found(http, key):
    listed = http.get(f"{API}/documents/", params={"title": key}).raise_for_status().json()
    return [one for one in listed["results"] if (one["title"] or "").startswith(f"{key} ")]


def remove(http, document):
    assert http.delete(f"{API}/documents/{document['id']}/").status_code == 204
