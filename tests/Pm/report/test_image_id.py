"""An image_id of the documented form names its institution, and that a region; nothing else is guessed at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Pm.report.image_id import Class, class_of, place_of, region_of

CAMPUS = st.text(
    st.characters(categories=["Lo"]).filter(lambda letter: letter not in "校区学科期"), min_size=1, max_size=20
)
SUBJECT = st.from_regex(r"\A[A-Za-z+#]{1,10}\Z")
SEPARATOR = st.sampled_from(["", "/", " ", "_", "-", " / "])


@pytest.mark.parametrize(
    ("image_id", "expected"),
    [
        ("北京校区Java学科12期开班合照", Class("北京校区", "Java", "12")),
        ("北京校区/Java学科/12期", Class("北京校区", "Java", "12")),
        ("photos/2026/北京校区/Java学科/12期/1.jpg", Class("北京校区", "Java", "12")),
        (" 深圳校区 人工智能学科 第3期", Class("深圳校区", "人工智能", "3")),
        ("上海浦东校区_UI-设计学科_十二期.png", Class("上海浦东校区", "UI-设计", "十二")),
        ("12345", None),
        ("北京校区", None),
        ("北京校区Java学科", None),
        ("Java学科12期北京校区", None),
        ("校区Java学科12期", None),
        ("2026北京校区Java学科12期", None),
        ("", None),
    ],
)
def test_the_documented_form_is_read_and_no_other(image_id: str, expected: Class | None) -> None:
    assert class_of(image_id) == expected


@given(
    campus=CAMPUS, subject=SUBJECT, term=st.integers(1, 9999), one=SEPARATOR, two=SEPARATOR, end=st.text(max_size=20)
)
def test_every_id_of_the_form_gives_its_parts(
    campus: str, subject: str, term: int, one: str, two: str, end: str
) -> None:
    found = class_of(f"{campus}校区{one}{subject}学科{two}{term}期{end}")
    assert found == Class(f"{campus}校区", subject, str(term))


@given(text=st.text(max_size=255))
def test_any_text_is_read_without_an_error_and_gives_what_a_record_can_hold(text: str) -> None:
    institution, region = place_of(text, institution=None, region=None)
    assert len(institution) <= 255
    assert len(region) <= 64
    assert not institution or institution in text


@pytest.mark.parametrize(
    ("institution", "region"),
    [
        ("北京校区", "北京"),
        ("广州天河校区", "广东"),
        ("黑马深圳校区", "广东"),
        ("张家口校区", "河北"),
        ("张家界校区", "湖南"),
        ("内蒙古包头校区", "内蒙古"),
        ("南京路校区", ""),
        ("上海南京路校区", "上海"),
        ("总校区", ""),
        ("", ""),
    ],
)
def test_region_is_that_of_the_first_city_that_is_named(institution: str, region: str) -> None:
    assert region_of(institution) == region


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ((None, None), ("北京校区", "北京")),
        (("", ""), ("北京校区", "北京")),
        (("清华大学", None), ("清华大学", "")),
        (("武汉大学", None), ("武汉大学", "湖北")),
        ((None, "华北"), ("北京校区", "华北")),
        (("清华大学", "华北"), ("清华大学", "华北")),
    ],
)
def test_what_the_client_says_wins(sent: tuple[str | None, str | None], expected: tuple[str, str]) -> None:
    institution, region = sent
    assert place_of("北京校区Java学科12期开班合照", institution=institution, region=region) == expected


def test_long_hostile_ids_take_no_time() -> None:
    assert class_of("校区" * 50_000) is None
    assert class_of(("北京校区" + "a" * 30 + "学科") * 5_000) is None
