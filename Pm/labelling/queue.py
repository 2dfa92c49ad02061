"""Who looks at which photo now: nobody gets one that another person has on the screen."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from Pm.models import Label, Photo

LEASE = timedelta(minutes=5)  # renewed while the page is open
AHEAD = 2  # the photo on the screen and the next one, which the browser fetches meanwhile


def photos_claim(user: User, queue: str, count: int = AHEAD) -> list[Photo]:
    """The photos that `user` is to label next, leased: those that they have already, then the first of the queue.

    Safe with many at once: PostgreSQL skips rows that another transaction is taking and looks again at what it takes
    (READ COMMITTED); SQLite begins each transaction with the write lock (server/database.py).
    """
    with transaction.atomic():
        now = timezone.now()
        mine = _to_label(user, queue).filter(leased_by=user, leased_until__gt=now).order_by("leased_at", "id")
        photos = list(mine[:count])
        if missing := count - len(photos):
            is_free = Q(leased_until=None) | Q(leased_until__lte=now)
            free = _to_label(user, queue).filter(is_free).order_by("rank", "id")
            photos += list(free.select_for_update(skip_locked=True, of=("self",))[:missing])
            _lease(photos[count - missing :], user)
        return photos


def _to_label(user: User, queue: str) -> QuerySet[Photo]:
    said = Label.objects.filter(photo=OuterRef("pk"), by=user, undone_at=None)
    return Photo.objects.filter(~Exists(said), queue=queue, waiting=True)


def _lease(photos: list[Photo], user: User) -> None:
    now = timezone.now()
    for photo in photos:
        photo.leased_by_id, photo.leased_at, photo.leased_until = user.pk, now, now + LEASE
        photo.save(update_fields=["leased_by", "leased_at", "leased_until"])


def leases_renew(user: User) -> int:
    """Prolong what `user` has on the screen; what ran out meanwhile stays free. Returns: how many."""
    now = timezone.now()
    return Photo.objects.filter(leased_by=user, leased_until__gt=now).update(leased_until=now + LEASE)


def lease_end(photo: Photo) -> None:
    """Give it back; the caller saves it."""
    photo.leased_by_id = photo.leased_at = photo.leased_until = None


def lease_again(photo: Photo, user: User) -> bool:
    """Have `photo` before all others of `user` again, unless somebody else looks at it; the caller saves it."""
    now = timezone.now()
    if photo.leased_by_id not in (None, user.pk) and photo.leased_until and photo.leased_until > now:
        return False
    first = Photo.objects.filter(leased_by=user, leased_until__gt=now).order_by("leased_at").first()
    earliest = first.leased_at if first and first.leased_at else now
    photo.leased_by_id, photo.leased_at = user.pk, earliest - timedelta(seconds=1)
    photo.leased_until = now + LEASE
    return True
