        assert change(client, file, body, 200, **AS_ADMIN)["description"] == "mine now"


def test_a_file_of_nobody_does_not_become_private(client: FlaskClient) -> None:
    file = keep(client, visibility="public")

