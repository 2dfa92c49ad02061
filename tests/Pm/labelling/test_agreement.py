"""Agreement between labellers, by hand-computed tables."""

import pytest

from Pm.labelling.agreement import agreements, cohens_kappa
from Pm.labelling.services import label_give, label_undo
from tests.conftest import Change
from tests.Pm.labelling.photos import photo, user


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        (
            {("online", "online"): 20, ("online", "offline"): 5, ("offline", "online"): 10, ("offline", "offline"): 15},
            0.4,
        ),
        ({("online", "online"): 1, ("offline", "offline"): 1}, 1.0),
        ({("online", "offline"): 1, ("offline", "online"): 1}, -1.0),
        ({("online", "online"): 9}, None),
        ({}, None),
    ],
)
def test_cohens_kappa(table: dict[tuple[str, str], int], kappa: float | None) -> None:
    assert cohens_kappa(table) == pytest.approx(kappa)


@pytest.mark.django_db
def test_each_two_people_are_compared_on_the_photos_that_both_labelled(change: Change) -> None:
    for number, answers in enumerate(
        [("online", "online"), ("offline", "offline"), ("online", "offline"), ("skip", "online"), ("online", None)]
    ):
        one = photo(str(number), wanted=2)
        for name, answer in zip(("ann", "ben"), answers, strict=True):
            if answer:
                label_give(photo_id=one.pk, by=user(name), answer=answer)
    (found,) = agreements()
    assert (found.first, found.second, found.photos, found.agreed) == ("ann", "ben", 3, 2)
    assert found.kappa == pytest.approx(0.4)
    label_undo(by=user("ben"))  # online, of the photo that ann skipped
    label_undo(by=user("ben"))  # offline, where they differed
    (found,) = agreements()
    assert (found.photos, found.agreed, found.kappa) == (2, 2, 1.0)
