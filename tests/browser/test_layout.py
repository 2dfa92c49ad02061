"""No page is wider than its screen, and no cell cuts off what it says."""

from axes.models import AccessLog
from playwright.sync_api import Page

from Pm import artifacts
from Pm.labelling.services import label_give, photo_ensure
from Pm.models import Comparison, ModelVersion, RollOut
from tests.browser.pages import SignIn
from tests.conftest import Change
from tests.Pm.labelling.photos import posted, user

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
SHA256 = f"{7:064}"


def beyond_the_screen(page: Page) -> int:
    """Pixels; what is wider than a phone widens its window, too."""
    assert page.viewport_size
    return int(page.evaluate("document.documentElement.scrollWidth")) - page.viewport_size["width"]


def test_a_versions_manifest_fits_on_a_phone(sign_in: SignIn) -> None:
    version = ModelVersion.objects.get()
    ModelVersion.objects.update(manifest=artifacts.read_manifest(artifacts.DEFAULT))
    page = sign_in("viewer", device="phone")
    page.goto(f"/admin/Pm/modelversion/{version.pk}/change/")
    assert page.get_by_text("golden.png").first.is_visible()
    assert beyond_the_screen(page) == 0


def test_permissions_are_chosen_without_scrolling_sideways(sign_in: SignIn) -> None:
    page = sign_in("administrator")
    page.goto("/admin/auth/group/add/")
    page.get_by_text("Remove all permissions").wait_for()
    assert beyond_the_screen(page) == 0


def test_comparisons_fit_beside_the_sidebar_and_are_found_by_hash(sign_in: SignIn) -> None:
    roll_out = RollOut.objects.create(
        version=ModelVersion.objects.get(), artifact="a", before={}, by="anna", process=1, state="done"
    )
    Comparison.objects.create(
        roll_out=roll_out, image_id="北京校区Java学科12期开班合照", content_sha256=SHA256, request_id="1", agrees=False,
        stable_result="offline", stable_score=0.9, stable_ms=4, shadow_result="online", shadow_score=0.7, shadow_ms=5,
    )  # fmt: skip
    page = sign_in("viewer")
    page.goto(f"/admin/Pm/comparison/?q={SHA256}")
    assert page.locator("#result_list tbody tr").count() == 1
    assert page.evaluate("result_list.offsetWidth <= result_list.closest('[data-simplebar]').clientWidth")


def test_a_long_value_is_whole_on_a_phones_card(sign_in: SignIn) -> None:
    AccessLog.objects.create(username="anna", user_agent=AGENT, path_info="/", http_accept="*")
    page = sign_in("administrator", device="phone")
    page.goto("/admin/axes/accesslog/?q=anna")
    cell = page.locator(".field-user_agent")
    assert cell.inner_text() == AGENT
    assert cell.evaluate("cell => cell.scrollHeight - cell.clientHeight") == 0


def test_a_label_is_one_word_however_long_its_labellers_name(sign_in: SignIn, change: Change) -> None:
    change(photos_served_by="django")
    row = posted("room")
    label_give(photo_id=photo_ensure(row).pk, by=user("administrator.of.the.school"), answer="offline")
    page = sign_in("viewer")
    page.goto(f"/admin/Pm/prediction/{row.pk}/change/")
    lines = "cell => { const text = new Range(); text.selectNodeContents(cell); return text.getClientRects().length }"
    assert page.locator(".pm-table td").first.evaluate(lines) == 1
