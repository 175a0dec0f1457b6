import realms


def test_a_realm_with_client_and_user_is_made(app, http, realm):
    headers = realms.administrator(app, http)
    found = http.get(f"/admin/realms/{realm.name}", headers=headers).raise_for_status().json()
    assert found["enabled"] is True
    clients = http.get(
        f"/admin/realms/{realm.name}/clients", params={"clientId": realms.CLIENT}, headers=headers
    )
    assert [one["redirectUris"] for one in clients.raise_for_status().json()] == [[f"{app.url}/back"]]
    assert realms.user(http, realm.name, headers)["firstName"] == "Ada"


def test_a_changed_password_takes_the_place_of_the_old_one(app, http, own_realm):
    assert realms.log_in(http, own_realm.name, own_realm.password).is_success
    realms.change(http, own_realm.name, realms.administrator(app, http), password="another one")
    assert realms.log_in(http, own_realm.name, "another one").is_success
    refused = realms.log_in(http, own_realm.name, own_realm.password)
    assert refused.json()["error"] == "invalid_grant"


def test_who_is_disabled_can_not_log_in(app, http, own_realm):
    realms.change(http, own_realm.name, realms.administrator(app, http), enabled=False)
    answer = realms.log_in(http, own_realm.name, own_realm.password)
    assert answer.status_code == 400
    assert answer.json()["error_description"] == "Account disabled"


def test_a_member_is_no_administrator(http, realm):
    token = realms.log_in(http, realm.name, realm.password).raise_for_status().json()["access_token"]
    place = f"/admin/realms/{realm.name}/users"
    assert http.get(place, headers={"Authorization": f"Bearer {token}"}).status_code == 403
    assert http.get(place).status_code == 401


def test_a_realm_that_is_removed_lets_nobody_in(app, http, own_realm):
    realms.remove(app, http, own_realm.name)
    assert realms.log_in(http, own_realm.name, own_realm.password).status_code == 404
