"""What operators do in the browser: blocks, quarantine, users, tokens, quotas, windows of time, alerts."""

from harness.waiting import wait_until
from tests.console.operations.activity import CLIENT, Activity
from tests.console.operations.operator_browser import OperatorBrowser


def test_a_network_is_blocked_and_its_block_lifted(page: OperatorBrowser, activity: Activity) -> None:
    page.open("security/blocks")
    page.click_text(".panel-actions button", "Block a network")
    page.fill("network", "203.0.113.0/24")
    page.fill("reason", "a scanner")
    assert page.violations() == []
    page.click("dialog [type=submit]")
    page.wait_for("tbody tr", "203.0.113.0/24")
    page.wait_for(".toast", "203.0.113.0/24 is blocked.")
    blocks = activity.admin("GET", "/api/v1/access/blocks").json()["blocks"]
    page.click_in_row("203.0.113.0/24", "Lift")
    page.click("dialog [type=submit]")
    page.wait_gone("tbody tr", "203.0.113.0/24")

    (block,) = [block for block in blocks if block["network"] == "203.0.113.0/24"]
    assert (block["reason"], block["origin"]) == ("a scanner", "manual")
    page.open("security/blocks?show=all")
    assert [text for text in page.texts("tbody tr") if "203.0.113.0/24" in text and "Lifted" in text]


def test_ones_own_address_is_blocked_only_after_a_second_thought(page: OperatorBrowser) -> None:
    page.open("security/blocks")
    page.click_text(".panel-actions button", "Block a network")
    page.fill("network", "127.0.0.1")
    page.fill("reason", "a mistake")
    page.click("dialog [type=submit]")
    page.wait_for("dialog .note", "your own address")

    page.wait_for("dialog label", "Block it all the same")
    assert page.violations() == []
    page.press("Escape")
    page.wait_gone("dialog")
    assert not [text for text in page.texts("tbody tr") if "127.0.0.1" in text]


def test_a_file_is_released_from_quarantine_and_another_purged(
    page: OperatorBrowser, activity: Activity
) -> None:
    kept, gone = activity.quarantine("to keep.pdf"), activity.quarantine("to purge.pdf")
    page.open("security/quarantine")
    page.click_in_row("to keep.pdf", "Release")
    page.wait_for("dialog", "A program that calls itself something else")
    assert page.violations() == []
    page.click("dialog [type=submit]")
    page.wait_gone("tbody tr", "to keep.pdf")
    page.click_in_row("to purge.pdf", "Purge")
    page.click("dialog [type=submit]")
    page.wait_gone("tbody tr", "to purge.pdf")

    assert not activity.admin("GET", f"/files/{kept}").json()["is_quarantined"]
    assert activity.ask("GET", f"/files/{gone}").status_code == 404


def test_a_user_is_made_with_a_token_that_is_shown_once(page: OperatorBrowser, activity: Activity) -> None:
    page.open("access/users")
    page.click_text(".panel-actions button", "Create a user")
    page.fill("username", "jane.doe")
    page.fill("role", "monitor")
    page.click("dialog [type=submit]")
    page.wait_for("tbody tr", "jane.doe")
    page.click_in_row("jane.doe", "New token")
    page.fill("name", "laptop")
    page.click("dialog [type=submit]")
    page.wait_for("dialog h2", "Keep this token now")
    token = page.evaluate("return document.querySelector('.secret input').value")
    assert page.violations() == []
    page.click_text("dialog button", "I have kept it")
    page.wait_gone("dialog")

    me = activity.ask("GET", "/api/v1/access/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["username"], me["role"]) == ("jane.doe", "monitor")
    assert token not in str(page.evaluate("return document.documentElement.outerHTML"))


def test_a_user_gets_another_role_and_is_disabled(page: OperatorBrowser, activity: Activity) -> None:
    token = activity.create_token(activity.create_user("john.doe"), "phone")
    page.open("access/users")
    page.click_in_row("john.doe", "Role")
    page.fill("role", "guest")
    page.click("dialog [type=submit]")
    page.wait_for(".toast", "john.doe is now: Guest.")
    page.click_in_row("john.doe", "Disable")
    page.click("dialog [type=submit]")
    page.wait_for("tbody tr", "Disabled")

    assert activity.ask("GET", "/files", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_name_that_is_taken_is_refused_in_the_dialog(page: OperatorBrowser) -> None:
    page.open("access/users")
    page.click_text(".panel-actions button", "Create a user")
    page.fill("username", "admin")
    page.click("dialog [type=submit]")

    page.wait_for("dialog .note", "The name is taken.")
    assert page.violations() == []


def test_a_token_is_replaced_and_revoked(page: OperatorBrowser, activity: Activity) -> None:
    user = activity.create_user("jack.doe")
    first = activity.create_token(user, "server")
    page.open(f"access/tokens?user_id={user}")
    page.click_in_row("server", "Replace")
    page.click("dialog [type=submit]")
    page.wait_for("dialog h2", "Keep this token now")
    second = page.evaluate("return document.querySelector('.secret input').value")
    page.click_text("dialog button", "I have kept it")
    page.wait_for("tbody tr + tr", "server")
    page.click_in_row("Valid", "Revoke")
    page.click("dialog [type=submit]")
    page.wait_gone("tbody tr", "Valid")

    for token in (first, second):
        assert activity.ask("GET", "/files", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_limits_of_somebodys_own_are_set(page: OperatorBrowser, activity: Activity) -> None:
    user = activity.create_user("jill.doe")
    page.open("access/quotas")
    page.click_text(".panel-actions button", "Set a quota")
    page.fill("principal", f"user:{user}")
    page.fill("mebibytes", "1.5")
    page.fill("files", "10")
    assert page.violations() == []
    page.click("dialog [type=submit]")
    page.wait_for("tbody tr", f"user:{user}")

    allowance = activity.admin("GET", f"/api/v1/access/quotas/users/{user}").json()
    assert (allowance["limit_bytes"], allowance["limit_files"]) == (1536 * 1024, 10)


def test_window_and_client_are_in_the_address_and_back_leads_back(page: OperatorBrowser) -> None:
    page.open("overview")
    page.click_text("nav.choice a", "7 days")
    page.wait_for_address("days=7")
    page.wait_for(".panel table a[href*='days=7']", CLIENT)
    page.click_text(".panel table a", CLIENT)
    page.wait_for("main h1", f"Client {CLIENT}")
    page.wait_until_ready()
    reached = page.address
    page.go_back()
    page.wait_for("main h1", "Overview")

    assert reached == f"overview?days=7&client={CLIENT}"
    assert page.address == "overview?days=7"
    page.open(reached)
    assert "7" in page.texts(".figure-value")[0] or "8" in page.texts(".figure-value")[0]


def test_a_chart_has_its_numbers_behind_it_and_its_panel_in_grafana(page: OperatorBrowser) -> None:
    page.open("overview?days=1")
    page.click(".chart summary")
    page.wait_for(".chart details[open] th", "Uploaded")

    numbers = [int(text) for text in page.texts(".chart details[open] tbody td:nth-child(2)")]
    assert sum(numbers) >= 7
    address = page.evaluate("return document.querySelector('.chart figcaption a').href")
    assert address.startswith("http://127.0.0.1:9/grafana/d/filewallball-overview?viewPanel=15&from=now-1d")


def test_an_alert_fires_with_the_runbook_beside_it(page: OperatorBrowser, activity: Activity) -> None:
    activity.tell_alert("ServiceDown", fingerprint="c")
    page.open("health/alerts")
    page.wait_for(".alert h3", "ServiceDown")

    (runbook,) = [text for text in page.texts(".alert .runbook") if "systemctl" in text]
    assert "Prometheus got no answer" in runbook
    activity.tell_alert("ServiceDown", "resolved", fingerprint="c")
    page.open("health/alerts?name=ServiceDown")
    page.wait_for("tbody tr", "ServiceDown")
    page.wait_gone(".alert h3", "ServiceDown")


def test_the_service_tells_how_it_sees_the_caller(page: OperatorBrowser) -> None:
    page.open("access")

    (content,) = page.texts("main")
    for told in ("admin (1)", "Administrator", "127.0.0.1", "not a trusted proxy", "access:manage"):
        assert told in content


def test_charts_are_drawn_anew_in_another_theme(page: OperatorBrowser) -> None:
    page.open("overview")
    drawn = "return [...document.querySelectorAll('.chart canvas')].map((each) => each.toDataURL()).join('')"
    light = page.evaluate(drawn)
    page.dress("dark")

    wait_until(lambda: page.evaluate(drawn) != light, 60, "the charts have other colours")


_DRAW = """
const at = (name) => performance.getEntriesByType("resource").find((each) => each.name.endsWith(name)).name;
const names = ["/lib/dom.js", "/lib/chart.js"];
return Promise.all(names.map((name) => import(at(name)))).then(([{ html, render }, { Chart }]) => {
  const holder = document.querySelector("main").appendChild(document.createElement("div"));
  holder.id = "both";
  const few = { label: "few", values: [10, 10], tone: "ok" };
  const many = { label: "many", values: [21, 21], tone: "danger" };
  render(html`<${Chart} title="both" times=${[0, 3600]} series=${[few, many]} bars />`, holder);
});
"""
_COLOURS = """
const canvas = document.querySelector("#both canvas");
if (!canvas) return [];
const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
const counts = {};
for (let at = 0; at < data.length; at += 4) {
  const [red, green, blue, strength] = data.subarray(at, at + 4);
  const isGrey = Math.max(red, green, blue) - Math.min(red, green, blue) < 60;
  if (strength === 255 && !isGrey) counts[[red, green, blue]] = (counts[[red, green, blue]] ?? 0) + 1;
}
return Object.values(counts).filter((count) => count > 500);
"""


def test_in_a_chart_of_columns_the_taller_series_does_not_hide_the_other(page: OperatorBrowser) -> None:
    page.open("overview")
    page.wait_for(".chart canvas")
    page.evaluate(_DRAW)

    colours = wait_until(lambda: page.evaluate(_COLOURS), 30, "the chart is drawn")
    assert len(colours) == 2
