"""What a start and a reload need first: the database's tables, the static files, and keys where the door is open."""

import os

from server.stack.settings import StackError, StackSettings


def say(text: str) -> None:
    """One line of progress."""
    print(f"-- {text}", flush=True)


def prepare(settings: StackSettings) -> None:
    """Migrate the database, collect static files, and refuse to open the door without keys.

    Raises: StackError when one of them cannot be done.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.db import Error as DatabaseError

    try:
        django.setup()
        say("Migrating the database")
        call_command("migrate", interactive=False, verbosity=0)
        from Pm.access.services import access_prune  # the app's tables are there now

        access_prune()
        say("Collecting static files")
        call_command("collectstatic", interactive=False, verbosity=0)
        check_keys(settings)
    except DatabaseError as exc:
        why = str(exc).strip().splitlines()[0]
        raise StackError(f"The database cannot be used ({why}): correct DATABASE_URL, or the owner of var/.") from exc
    except (ImproperlyConfigured, CommandError, OSError) as exc:
        raise StackError(f"{exc} Correct this, then run make run again.") from exc


def check_keys(settings: StackSettings) -> None:
    """Beyond loopback, somebody must hold a key.

    Raises: StackError when the service would listen beyond loopback and no API key exists.
    """
    from Pm.models import ApiKey

    if not settings.is_loopback and not ApiKey.objects.get_usable_keys().exists():
        raise StackError(
            f"BIND_ADDRESS={settings.gateway.bind_address} can be reached from other machines and no API key exists: "
            "make one with .venv/bin/python manage.py create_api_key NAME, or set BIND_ADDRESS=127.0.0.1."
        )


def has_admin() -> bool:
    """Whether somebody may sign in to the admin and make other users; a database that cannot say raises no alarm."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django
    from django.contrib.auth import get_user_model
    from django.db import Error as DatabaseError

    django.setup()
    try:
        return bool(get_user_model().objects.filter(is_superuser=True, is_active=True).exists())
    except DatabaseError:
        return True
