"""A marker is a realm of its own with all that Keycloak keeps: settings, texts, groups, roles, a member.

To read it back takes all of that, byte by byte, and a log-in with the password of then. Also the token and
the session of the member's first log-in have to be good still: so the realm's keys and sessions were kept.
"""

import holdings
import realms

OK = 200
TOKENS = ("access_token", "refresh_token")


def write(app, http, key, value):
    headers = realms.administrator(app, http)
    if holdings.value_of(http, key, headers) is not None:
        holdings.change(http, key, value, headers)
        return
    holdings.make(app, http, key, value)
    given = log_in(http, key, value)
    app.kept.update({f"{key} {name}": given[name] for name in TOKENS})


def read(app, http, key):
    headers = realms.administrator(app, http)
    value = holdings.value_of(http, key, headers)
    if value is None:
        return None
    wrong = list(holdings.faults(http, key, value, headers))
    assert not wrong, f"{wrong[0]} (and {len(wrong) - 1} more)"
    log_in(http, key, value)
    require_session(http, key, *(app.kept[f"{key} {name}"] for name in TOKENS))
    return value


def delete(app, http, key):
    realms.remove(app, http, key)


def log_in(http, realm, password):
    answer = holdings.log_in(http, realm, password)
    assert answer.status_code == OK, f"the member's password: {answer.text}"
    return answer.json()


def require_session(http, realm, access, refresh):
    """The realm stands by a token from before, and the session that it belongs to goes on."""
    place = f"/realms/{realm}/protocol/openid-connect/userinfo"
    known = http.get(place, headers={"Authorization": f"Bearer {access}"})
    assert known.status_code == OK, f"a token from before: {known.status_code} {known.text}"
    renewed = realms.renew(http, realm, refresh)
    assert renewed.status_code == OK, f"a session from before: {renewed.text}"
