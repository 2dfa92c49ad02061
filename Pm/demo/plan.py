"""What the demonstration holds: which photos, posted when, from where, and what the model said of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from Pm.models import Prediction

SEED = 20
PHOTOS = 300
DAYS = 30
NEW_VERSION_AFTER_DAYS = 15
CAMPUSES = ("北京校区", "上海校区", "广州校区", "深圳校区", "武汉校区", "郑州校区", "西安校区", "成都校区")
SUBJECTS = ("Java", "Python", "前端", "大数据", "UI设计")
# The share of online classes differs from campus to campus and grows with time: a report that has something to say.
FIRST_ONLINE, LAST_ONLINE = 0.25, 0.6
RIGHT_BEFORE, RIGHT_AFTER = 0.90, 0.97  # of the two versions
REFUSED = 0.02
SAMPLED = 0.2
OFFLINE, ONLINE = Prediction.Result.OFFLINE.value, Prediction.Result.ONLINE.value


@dataclass(frozen=True)
class Posted:
    """One photo of the demonstration; `result` is empty where it was refused."""

    number: int
    image_id: str
    truth: str
    result: str
    score: float
    is_new_version: bool
    is_sampled: bool
    at: datetime


def posted(now: datetime, photos: int = PHOTOS) -> Iterator[Posted]:
    """The same photos each time, spread over the DAYS before `now`, the oldest first."""
    chance = random.Random(SEED)  # noqa: S311 - drawn pictures, no secrets
    for number in range(photos):
        age_days = DAYS * (1 - (number + chance.random()) / photos)
        campus = chance.randrange(len(CAMPUSES))
        progress = 1 - age_days / DAYS
        is_online = chance.random() < FIRST_ONLINE + (LAST_ONLINE - FIRST_ONLINE) * progress + 0.04 * (campus - 4)
        truth, other = (ONLINE, OFFLINE) if is_online else (OFFLINE, ONLINE)
        is_new = age_days < DAYS - NEW_VERSION_AFTER_DAYS
        is_right = chance.random() < (RIGHT_AFTER if is_new else RIGHT_BEFORE)
        score = chance.betavariate(12, 1) if is_right else chance.betavariate(2, 2)
        yield Posted(
            number=number,
            image_id=f"{CAMPUSES[campus]}{chance.choice(SUBJECTS)}学科{chance.randint(1, 40)}期开班合照",
            truth=truth,
            result="" if chance.random() < REFUSED else truth if is_right else other,
            score=round(0.5 + score / 2, 4),
            is_new_version=is_new,
            is_sampled=chance.random() < SAMPLED,
            at=now - timedelta(days=age_days),
        )
