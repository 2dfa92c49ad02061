"""Many people label at once, each in a thread: who was given which photo? Run as a program it prints that."""

import threading
from typing import Any


def race(labellers: list[Any], rounds: int) -> list[int]:
    """Every photo that somebody was given, as often as it was given.

    Raises: the first failure of a thread.
    """
    from django.db import connections

    from Pm.labelling.queue import photos_claim
    from Pm.labelling.services import label_give

    given: list[int] = []
    failures: list[Exception] = []

    def work(labeller: Any) -> None:
        try:
            for _ in range(rounds):
                for photo in photos_claim(labeller, "uncertain", 1):
                    given.append(photo.pk)
                    label_give(photo_id=photo.pk, by=labeller, answer="online")
        except Exception as exc:  # noqa: BLE001 - raised below
            failures.append(exc)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(labeller,)) for labeller in labellers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return given


def main() -> None:
    """Six people and sixty photos, on the database of DATABASE_URL."""
    import django

    django.setup()
    from django.core.management import call_command

    from tests.Pm.labelling.photos import photo, user

    call_command("migrate", verbosity=0)
    people = [user(f"user{number}") for number in range(6)]
    for number in range(60):
        photo(str(number))
    given = race(people, 10)
    print(len(given), len(set(given)))  # noqa: T201


if __name__ == "__main__":
    main()
