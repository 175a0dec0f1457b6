"""A marker is a room of two accounts, with a name, an alias, messages, files, pictures and keys.

One account came in through Keycloak, the other was made by the operator, for this marker alone. The run keeps
the access tokens of their first log-ins, so that every later call shows that these still work. It keeps the
keys, too, by which other servers know this one: they have to stay what they are.
"""

import json

import holdings
import matrix


def write(app, http, key, value):
    user, member = accounts(app, http, key)
    old = where(user, key)
    if old:
        forget(app, user, member, key, old)
    place = holdings.fill(user, member, key=key, value=value, domain=app.domain)
    user.put(index(user, key), place)
    app.kept.setdefault("signing keys", json.dumps(matrix.signing_keys(http)))


def read(app, http, key):
    user = account(app, http)
    place = where(user, key)
    if place is None:
        return None
    value = user.message(place["room"], place["value"])
    assert value is not None, "the message is there, and has no text"
    member = known(app, http, key)
    wrong = list(holdings.faults(user, member, place, key=key, value=value, domain=app.domain))
    assert not wrong, f"{wrong[0]} (and {len(wrong) - 1} more)"
    assert member.has_password(password(key)), f"{member.name}: the password of then is not theirs now"
    keys = matrix.signing_keys(http)
    assert json.dumps(keys) == app.kept["signing keys"], (
        f"the server's signing key is another: {', '.join(keys)}"
    )
    return value


def delete(app, http, key):
    user = account(app, http)
    forget(app, user, known(app, http, key), key, where(user, key))
    user.put(index(user, key), {})


def forget(app, user, member, key, place):
    user.ask("DELETE", f"{matrix.CLIENT}/directory/room/{matrix.quote(holdings.alias(key, app.domain))}")
    for one in (member, user):
        one.leave(place["room"])


def account(app, http):
    if "token" not in app.kept:
        app.kept["token"] = matrix.log_in(app, http)
    return matrix.User(http, app.kept["token"])


def accounts(app, http, key):
    """The member of a marker is made with the first one of its name."""
    if f"{key} token" not in app.kept:
        made = matrix.register(http, app.secret("registration"), key, password(key))
        app.kept[f"{key} token"] = made.raise_for_status().json()["access_token"]
    return account(app, http), known(app, http, key)


def known(app, http, key):
    return matrix.User(http, app.kept[f"{key} token"])


def password(key):
    return f"żółw 🐙 {key}"


def index(user, key):
    """The account's own note of where a marker is."""
    return f"{matrix.CLIENT}/user/{user.name}/account_data/{key}"


def where(user, key):
    answer = user.ask("GET", index(user, key))
    if answer.status_code == matrix.NOT_FOUND:
        return None
    return answer.raise_for_status().json() or None
