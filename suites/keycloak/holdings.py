"""A realm with all kinds of things that Keycloak keeps, made by one request, and read back one by one.

It holds text alone: this recipe mounts no folder for themes or providers, so there is no file to lose. Group
and role names that differ in case alone are two names; user names are not.
"""

import json

import realms

from cc_ci.suite.contents import contents, difference

USERNAME = "łucja.müller"
NAMES = {"firstName": "Łucja", "lastName": "Müller Δημητρίου 你好"}
GROUP = "/Küche/Küche/küche"
ROLES = ("Editor", "editor")
LANGUAGE = "de"
DAY = 24 * 3600


def make(app, http, realm, value):
    """What follows from `value` can be changed in place; the rest follows from the realm's name."""
    headers = realms.administrator(app, http)
    whole = {
        **_settings(realm, value),
        **_people(http, realm, value, headers),
        "clients": [realms.client(app)],
    }
    realms.create(http, {"realm": realm, "enabled": True, **whole}, headers)


def change(http, realm, value, headers):
    """The settings that hold the value, and the member's."""
    place = f"/admin/realms/{realm}"
    now = http.get(place, headers=headers).raise_for_status().json()
    changed = {
        "displayName": contents(value).letters,
        "attributes": {**now["attributes"], **_attributes(value)},
    }
    http.put(place, json={**now, **changed}, headers=headers).raise_for_status()
    attributes = {name: [text] for name, text in _attributes(value).items()}
    realms.change(http, realm, headers, username=USERNAME, attributes=attributes, password=value)


def log_in(http, realm, password):
    return realms.log_in(http, realm, password, username=USERNAME)


def faults(http, realm, value, headers):
    """What is not as it was written, a line each."""
    found = dict(_found(http, realm, headers))
    for name, wanted in _wanted(realm, value).items():
        if fault := difference(wanted, found.get(name)):
            yield f"{name}: {fault}"


def value_of(http, realm, headers):
    """What the realm says of itself; None if there is no such realm."""
    answer = http.get(f"/admin/realms/{realm}", headers=headers)
    if answer.status_code == realms.NOT_FOUND:
        return None
    value = answer.raise_for_status().json().get("attributes", {}).get("short")
    assert value is not None, f"realm {realm} is there, and its attribute short is gone"
    return value


def _attributes(value):
    made = contents(value)
    return {"short": made.short, "letters": made.letters, "Letters": made.letters.upper(), "long": made.long}


def _settings(realm, value):
    made = contents(realm)
    return {
        "displayName": contents(value).letters,
        "attributes": _attributes(value),
        "accessTokenLifespan": DAY,
        "ssoSessionIdleTimeout": DAY,
        "bruteForceProtected": True,
        "internationalizationEnabled": True,
        "supportedLocales": ["en", LANGUAGE],
        "localizationTexts": {LANGUAGE: {"letters": made.letters, "long": made.long}},
    }


def _people(http, realm, value, headers):
    letters = contents(realm).letters
    groups = {"name": "Küche", "subGroups": [{"name": "Küche", "subGroups": [_group(letters)]}]}
    member = realms.member(value, {name: [text] for name, text in _attributes(value).items()})
    member |= {"username": USERNAME, **NAMES, "groups": [GROUP], "realmRoles": list(ROLES)}
    return {
        "components": {"org.keycloak.userprofile.UserProfileProvider": [_profile(http, headers)]},
        "groups": [groups],
        "roles": {"realm": [{"name": name, "description": f"{name} {letters}"} for name in ROLES]},
        "users": [member],
    }


def _group(letters):
    return {"name": "küche", "attributes": {"letters": [letters]}}


def _profile(http, headers):
    """As a new realm has it, with attributes that are as long as the value's."""
    profile = http.get("/admin/realms/master/users/profile", headers=headers).raise_for_status().json()
    rights = {"view": ["admin"], "edit": ["admin"]}
    names = _attributes("")
    more = [
        {"name": name, "permissions": rights, "validations": {"length": {"max": 100_000}}} for name in names
    ]
    profile["attributes"] += more
    return {
        "providerId": "declarative-user-profile",
        "config": {"kc.user.profile.config": [json.dumps(profile)]},
    }


def _wanted(realm, value):
    own, given = contents(realm), _attributes(value)
    return {
        "displayName": contents(value).letters,
        **{f"attribute {name}": text for name, text in given.items()},
        **{f"localization {name}": getattr(own, name) for name in ("letters", "long")},
        **{f"user's {name}": text for name, text in {**given, **NAMES}.items()},
        f"group {GROUP}": own.letters,
        **{f"role {name}": f"{name} {own.letters}" for name in ROLES},
    }


def _found(http, realm, headers):
    def get(path, **params):
        answer = http.get(f"/admin/realms/{realm}{path}", params=params, headers=headers)
        return answer.raise_for_status().json()

    settings = get("")
    yield "displayName", settings.get("displayName")
    yield from ((f"attribute {name}", text) for name, text in settings.get("attributes", {}).items())
    yield from ((f"localization {name}", text) for name, text in get(f"/localization/{LANGUAGE}").items())
    user = realms.user(http, realm, headers, username=USERNAME)
    yield from ((f"user's {name}", user.get(name)) for name in NAMES)
    yield from ((f"user's {name}", _only(texts)) for name, texts in user.get("attributes", {}).items())
    for group in get(f"/users/{user['id']}/groups", briefRepresentation="false"):
        yield f"group {group['path']}", _only(group.get("attributes", {}).get("letters", []))
    for role in get(f"/users/{user['id']}/role-mappings/realm"):
        yield f"role {role['name']}", role.get("description")


def _only(texts):
    return ", ".join(texts)
