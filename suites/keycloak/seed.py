"""A marker is a realm of its own: the value is an attribute of its member, and their password.

So reading it back takes the realm, its client, the user, and a log-in with the password of then.
"""

import realms

OK = 200
NOT_FOUND = 404


def write(app, http, key, value):
    headers = realms.administrator(app, http)
    if exists(http, key, headers):
        realms.change(http, key, headers, attributes={"marker": [value]}, password=value)
    else:
        realms.make(app, http, key, password=value, attributes={"marker": [value]})


def read(app, http, key):
    headers = realms.administrator(app, http)
    if not exists(http, key, headers):
        return None
    (value,) = realms.user(http, key, headers)["attributes"]["marker"]
    answer = realms.log_in(http, key, value)
    assert answer.status_code == OK, f"the password that went with {value!r}: {answer.text}"
    return value


def delete(app, http, key):
    realms.remove(app, http, key)


def exists(http, key, headers):
    answer = http.get(f"/admin/realms/{key}", headers=headers)
    if answer.status_code == NOT_FOUND:
        return False
    answer.raise_for_status()
    return True
