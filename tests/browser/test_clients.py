"""A person makes a key, copies it, sees it in the list, revokes it."""

from tests.browser.pages import SignIn, assert_accessible, shot


def test_key_is_made_shown_once_and_revoked(sign_in: SignIn) -> None:
    page = sign_in("administrator")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/admin/")
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="Add API key").first.click()
    page.get_by_label("Name").fill("crawler")
    page.get_by_label("Requests per minute").fill("600")
    assert_accessible(page)
    shot(page, "clients-new")
    page.get_by_role("button", name="Save", exact=True).click()
    key = page.locator("#key").inner_text()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == key
    assert_accessible(page)
    page.evaluate("document.getElementById('key').textContent = 'Xk3vN8qT.' + '•'.repeat(32)")
    page.evaluate("document.querySelector('pre').textContent = 'Authorization: Api-Key Xk3vN8qT.' + '•'.repeat(32)")
    shot(page, "clients-key")
    page.reload()
    assert key not in page.content()
    page.get_by_role("link", name="API keys").first.click()
    page.get_by_role("checkbox", name="Select record").first.check()
    assert_accessible(page)
    shot(page, "clients")
    page.get_by_label("Select action to run").select_option("revoke")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("1 key is revoked.").wait_for()
    assert page.get_by_text("revoked", exact=True).is_visible()


def test_keys_on_a_phone_in_chinese(sign_in: SignIn) -> None:
    page = sign_in("administrator", language="zh-hans", scheme="dark", device="phone")
    page.goto("/admin/Pm/apikey/add/")
    assert_accessible(page)
    shot(page, "clients-new-zh-hans-dark-phone")
