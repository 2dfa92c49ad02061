"""Reads an institution and its region out of an image_id of the documented form, 北京校区Java学科12期开班合照."""

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

CITIES = Path(__file__).with_name("cities.json")  # region: its own name and its cities'
# 校区, 学科, 期: campus, subject, term; each may stand in a folder of its own. Every part is bounded, so that no text
# takes long, and a campus is letters only: it begins where the id or a folder of it does.
_CLASS = re.compile(
    r"(?:^|[/\\])\s*(?P<campus>[^\W\d_]{1,20}?校区)[\s/\\_·-]{0,3}"
    r"(?P<subject>[^/\\]{1,40}?)学科[\s/\\_·-]{0,3}"
    r"第?(?P<term>\d{1,4}|[零〇一二三四五六七八九十百]{1,6})期"
)


class Class(NamedTuple):
    """What an image_id says of a class: 北京校区, Java, 12."""

    institution: str
    subject: str
    term: str


def class_of(image_id: str) -> Class | None:
    """The class that an image_id of the documented form names, slashes or not; nothing for any other."""
    found = _CLASS.search(image_id)
    return Class(found["campus"], found["subject"].strip(), found["term"]) if found else None


def region_of(institution: str) -> str:
    """The province, or the city under central government, in which an institution's name says that it is; or ''."""
    names, found_in = _regions()
    found = names.search(institution)
    return found_in[found[0]] if found else ""


def place_of(image_id: str, *, institution: str | None, region: str | None) -> tuple[str, str]:
    """Institution and region of a photo: as the client said, or else as far as the names tell; '' where none does."""
    if not institution:
        named = class_of(image_id)
        institution = named.institution if named else ""
    return institution, region or (region_of(institution) if institution else "")


@cache
def _regions() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all cities' names, the longest first, and the region of each."""
    table: dict[str, list[str]] = json.loads(CITIES.read_text(encoding="utf-8"))
    found_in = {city: region for region, cities in table.items() for city in cities}
    names = "|".join(sorted(found_in, key=len, reverse=True))
    return re.compile(f"(?:{names})(?![路街])"), found_in  # 南京路 is a street, and seldom in Nanjing
