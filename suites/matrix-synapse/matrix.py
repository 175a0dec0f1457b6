"""Synapse's client API, as one of its users, and the way in through Keycloak's own form."""

import hashlib
import hmac
import html
import re
import time
import uuid
from urllib.parse import parse_qs, quote, urljoin, urlsplit

CLIENT = "/_matrix/client/v3"
IDENTITY_PROVIDER = "oidc-keycloak"
REGISTER = "/_synapse/admin/v1/register"
PASSWORD = "m.login.password"  # noqa: S105 - the name of a way to log in
OK, FOUND, UNAUTHORIZED, NOT_FOUND = 200, 302, 401, 404
TOO_MANY = 429
PATIENT = 3
"""Times: what is refused again after that is a fault."""


class User:
    """Whoever `token` belongs to."""

    def __init__(self, http, token):
        self.http = http
        self.token = token
        known = self.get(f"{CLIENT}/account/whoami")
        self.name, self.device = known["user_id"], known.get("device_id")

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

    def put(self, path, said):
        return self.ask("PUT", path, json=said).raise_for_status().json()

    def post(self, path, said):
        return self.ask("POST", path, json=said).raise_for_status().json()

    def make_room(self, name, **further):
        asked = {"name": name, "preset": "private_chat", **further}
        return self.post(f"{CLIENT}/createRoom", asked)["room_id"]

    def send(self, room, text):
        path = f"{CLIENT}/rooms/{quote(room)}/send/m.room.message/{uuid.uuid4().hex}"
        message = {"msgtype": "m.text", "body": text}
        return self.ask("PUT", path, json=message).raise_for_status().json()["event_id"]

    def message(self, room, event):
        return self.get(f"{CLIENT}/rooms/{quote(room)}/event/{quote(event)}")["content"].get("body")

    def upload(self, content, *, name, kind="application/octet-stream"):
        return self.try_upload(content, name=name, kind=kind).raise_for_status().json()["content_uri"]

    def try_upload(self, content, *, name, kind="application/octet-stream"):
        place = f"/_matrix/media/v3/upload?filename={quote(name)}"
        return self.ask("POST", place, content=content, headers={"content-type": kind})

    def download(self, uri):
        return self.media("download", uri).content

    def media(self, way, uri, query=""):
        place = uri.removeprefix("mxc://")
        return self.ask("GET", f"/_matrix/client/v1/media/{way}/{place}{query}").raise_for_status()

    def has_password(self, password):
        """Ask for something that takes the password once more, and that changes nothing.

        A log-in would do, too, but a server takes few of them.
        """
        place, no_device = f"{CLIENT}/delete_devices", {"devices": ["none"]}
        asked = self.ask("POST", place, json=no_device).json()
        who = {"type": "m.id.user", "user": self.name}
        given = {"type": PASSWORD, "identifier": who, "password": password, "session": asked["session"]}
        answer = self.ask("POST", place, json={**no_device, "auth": given})
        assert answer.status_code in (OK, UNAUTHORIZED), answer.text
        return answer.status_code == OK

    def leave(self, room):
        for step in ("leave", "forget"):
            self.ask("POST", f"{CLIENT}/rooms/{quote(room)}/{step}", json={}).raise_for_status()


def register(http, secret, username, password):
    """Make an account as an operator does, by the secret that they share with the server; its answer."""
    nonce = http.get(REGISTER).raise_for_status().json()["nonce"]
    mac = signed(secret, nonce, username, password)
    return http.post(REGISTER, json=asked_for(nonce, username, password, mac))


def asked_for(nonce, username, password, mac):
    return {"nonce": nonce, "username": username, "password": password, "admin": False, "mac": mac}


def signed(secret, *parts):
    said = b"\0".join(part.encode() for part in (*parts, "notadmin"))
    return hmac.new(secret.encode(), said, hashlib.sha1).hexdigest()


def signing_keys(http):
    """By which other servers know this one, by name."""
    known = http.get("/_matrix/key/v2/server").raise_for_status().json()["verify_keys"]
    return {name: one["key"] for name, one in known.items()}


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
