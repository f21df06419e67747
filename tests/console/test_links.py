"""Links in the console: making them with every option, seeing their use, revoking them; and what visitors get."""

from typing import Any

from tests.console.visitor import Visitor


def private_file(visitor: Visitor, name: str) -> dict[str, Any]:
    """A private file of the visitor's."""
    files, data = {"file": (name, name.encode())}, {"visibility": "private"}
    return dict(visitor.ask("POST", "/upload", files=files, data=data).json())


def make(visitor: Visitor, file: dict[str, Any], name: str) -> None:
    """Open the dialog for a link to a file, and give it a name."""
    visitor.open(f"links?new=1&file_id={file['file_id']}")
    visitor.click("dialog input[name=name]")
    visitor.browser.type("dialog input[name=name]", name)


def shown_address(visitor: Visitor) -> str:
    """The path of the link that was just made."""
    address = visitor.until("return document.querySelector('dialog .secret input')?.value", "its address")
    return str(address).removeprefix(visitor.service.url)


def test_a_link_with_every_limit_does_what_it_says(visitor: Visitor) -> None:
    file = private_file(visitor, "numbers.txt")
    make(visitor, file, "For the auditors")
    visitor.choose("dialog select[name=expires_in]", "1d")
    visitor.choose("dialog select[name=limit]", "some")
    visitor.click("dialog input[name=max_downloads]")
    visitor.browser.clear("dialog input[name=max_downloads]")
    visitor.browser.type("dialog input[name=max_downloads]", "2")
    visitor.browser.type("dialog input[name=password]", "open sesame")
    visitor.click_text("Make the link")
    path = shown_address(visitor)
    visitor.click_text("Done")
    visitor.sees("For the auditors", "0 / 2")

    locked = visitor.service.request("GET", path)
    visitor.browser.visit(visitor.service.url + path)
    visitor.sees("This link asks for a password")
    visitor.browser.type("#password", "open sesam")
    visitor.click("button")
    visitor.sees("This is not the password.")
    visitor.browser.clear("#password")
    visitor.browser.type("#password", "open sesame")
    visitor.click("button")
    landed = visitor.browser.downloads / "numbers.txt"
    visitor.until_true(lambda: landed.exists() and landed.read_bytes() == b"numbers.txt", "it is downloaded")

    assert (locked.status_code, locked.json()["code"]) == (401, "link_password_required")
    visitor.open("links")
    visitor.sees("1 / 2")


def test_a_revoked_link_ends_at_once_and_says_so(visitor: Visitor) -> None:
    make(visitor, private_file(visitor, "draft.txt"), "For the press")
    visitor.choose("dialog select[name=limit]", "once")
    visitor.click_text("Make the link")
    path = shown_address(visitor)
    visitor.click_text("Done")
    visitor.sees("For the press", "One time")

    visitor.click("[aria-label='Revoke For the press']")
    visitor.sees("Revoke this link?")
    visitor.click_text("Revoke")
    visitor.sees("For the press is revoked")

    answer = visitor.service.request("GET", path)
    visitor.browser.visit(visitor.service.url + path)
    assert (answer.status_code, answer.json()["code"]) == (410, "link_revoked")
    visitor.sees("This link was revoked")


def test_limits_are_offered_for_private_files_alone(visitor: Visitor) -> None:
    files = {"file": ("for all to see.txt", b"words")}
    file = visitor.ask("POST", "/upload", files=files, data={"visibility": "public"}).json()
    visitor.open(f"links?new=1&file_id={file['file_id']}")

    visitor.sees("Limits and passwords are for private files")
    assert visitor.browser.evaluate("return document.querySelector('[name=password]').disabled")
    visitor.click_text("Make the link")
    assert visitor.service.request("GET", shown_address(visitor)).status_code == 200


def test_a_file_is_made_private_for_a_link_with_a_limit(visitor: Visitor) -> None:
    file = visitor.ask("POST", "/upload", files={"file": ("to be limited.txt", b"words")}).json()
    make(visitor, file, "For one")

    visitor.click_text("Make it private")
    visitor.until(
        "return document.querySelector('dialog [name=password]')?.disabled === false", "limits are offered"
    )
    visitor.choose("dialog select[name=limit]", "once")
    visitor.click_text("Make the link")
    path = shown_address(visitor)
    visitor.click_text("Done")

    visitor.sees("For one", "to be limited.txt", "0 / 1")
    assert visitor.service.request("GET", f"/download/{file['file_id']}").status_code == 404
    assert visitor.service.request("GET", path).content == b"words"


def test_a_file_is_found_by_its_name(visitor: Visitor) -> None:
    private_file(visitor, "hard to find.txt")
    visitor.open("links?new=1")

    visitor.browser.type("dialog input[name=file]", "hard to")
    visitor.until(
        "return document.querySelectorAll('dialog .choices li').length === 1", "one file is offered"
    )
    visitor.click("dialog .choices button")

    visitor.until("return Boolean(document.querySelector('dialog [name=name]'))", "its form")
    visitor.sees("hard to find.txt")


def test_a_visitor_is_asked_before_a_download_is_used_up(visitor: Visitor) -> None:
    file = private_file(visitor, "for one.txt")
    body = {"file_id": file["file_id"], "one_time": True}
    link = visitor.ask("POST", "/api/v1/links", json=body).json()
    visitor.browser.visit(visitor.service.url + link["url"])
    visitor.sees("Download the file?")
    seen = visitor.ask("GET", f"/api/v1/links/{link['link_id']}").json()["downloads"]

    visitor.click("button")
    landed = visitor.browser.downloads / "for one.txt"
    visitor.until_true(lambda: landed.exists() and landed.read_bytes() == b"for one.txt", "it is downloaded")
    visitor.browser.visit(visitor.service.url + link["url"])

    visitor.sees("This link is used up")
    assert seen == 0
