"""Synapse's client API, as one of its users, and the way in through Keycloak's own form."""

import html
import re
import time
import uuid
from urllib.parse import parse_qs, quote, urljoin, urlsplit

CLIENT = "/_matrix/client/v3"
IDENTITY_PROVIDER = "oidc-keycloak"
FOUND = 302
TOO_MANY = 429
PATIENT = 3
"""Times: what is refused again after that is a fault."""


class User:
    """Whoever `token` belongs to."""

    def __init__(self, http, token):
        self.http = http
        self.token = token
        self.name = self.get(f"{CLIENT}/account/whoami")["user_id"]

    def ask(self, method, path, **sent):
        """Wait, as clients do, as long as Synapse says: it takes 10 messages at once, then one in 5 s."""
        headers = {"authorization": f"Bearer {self.token}", **sent.pop("headers", {})}
        answer = self.http.request(method, path, headers=headers, **sent)
        for _ in range(PATIENT):
            if answer.status_code != TOO_MANY:
                break
            time.sleep(float(answer.headers["retry-after"]))
            answer = self.http.request(method, path, headers=headers, **sent)
        return answer

    def get(self, path):
        return self.ask("GET", path).raise_for_status().json()

    def make_room(self, name):
        asked = {"name": name, "preset": "private_chat"}
        return self.ask("POST", f"{CLIENT}/createRoom", json=asked).raise_for_status().json()["room_id"]

    def send(self, room, text):
        path = f"{CLIENT}/rooms/{quote(room)}/send/m.room.message/{uuid.uuid4().hex}"
        message = {"msgtype": "m.text", "body": text}
        return self.ask("PUT", path, json=message).raise_for_status().json()["event_id"]

    def message(self, room, event):
        return self.get(f"{CLIENT}/rooms/{quote(room)}/event/{quote(event)}")["content"]["body"]

    def upload(self, content, *, name):
        answer = self.ask(
            "POST",
            f"/_matrix/media/v3/upload?filename={quote(name)}",
            content=content,
            headers={"content-type": "text/plain"},
        )
        return answer.raise_for_status().json()["content_uri"]

    def download(self, uri):
        place = uri.removeprefix("mxc://")
        return self.ask("GET", f"/_matrix/client/v1/media/download/{place}").raise_for_status().content

    def leave(self, room):
        for step in ("leave", "forget"):
            self.ask("POST", f"{CLIENT}/rooms/{quote(room)}/{step}", json={}).raise_for_status()


def sign_on_address(back_to):
    return f"{CLIENT}/login/sso/redirect/{IDENTITY_PROVIDER}?redirectUrl={quote(back_to, safe='')}"


def log_in(app, http):
    """Through Keycloak's form, as a browser would fill it in; the access token."""
    back_to = f"{app.url}/signed-on"
    asked = http.get(sign_on_address(back_to))
    assert asked.status_code == FOUND, asked.text
    form = http.get(asked.headers["location"])
    target = re.search(r'<form[^>]*action="([^"]+)"', form.text)
    assert target, f"no log-in form at {form.url}: {form.status_code}"
    filled_in = {"username": app.sso.username, "password": app.sso.password, "credentialId": ""}
    answer = http.post(html.unescape(target[1]), data=filled_in)
    while answer.status_code in {302, 303} and not answer.headers["location"].startswith(back_to):
        answer = http.get(urljoin(str(answer.url), answer.headers["location"]))
    assert answer.status_code in {302, 303}, f"{answer.url}: {answer.status_code}: {answer.text[:300]}"
    return exchange(http, answer.headers["location"])


def exchange(http, address):
    """Turn the address that a log-in came back to into an access token."""
    (token,) = parse_qs(urlsplit(address).query)["loginToken"]
    asked = {"type": "m.login.token", "token": token}
    return http.post(f"{CLIENT}/login", json=asked).raise_for_status().json()["access_token"]
