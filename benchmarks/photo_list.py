"""How fast the admin's list of photos is at a million records: `python -m benchmarks.photo_list [--rows N]`.

Fills a scratch database (a SQLite file in a temporary folder, or the PostgreSQL that --database or DATABASE_URL names,
which must be empty), then asks for pages as a browser does, and prints the milliseconds of the database and of the
whole page, and the plan of the slowest query. `tests/with_postgres.sh python -m benchmarks.photo_list` makes a
PostgreSQL.
"""

import argparse
import os
import tempfile
import time
from datetime import timedelta
from typing import Any

VERSIONS = ("v1", "v2", "v3")  # one after the other, as they are deployed
REPEATS = 5
LABELLED = 2000  # photos that people labelled, among the first records: the worst place, the list begins at the newest


# Records of a year, in SQL since Django's take an hour: 40 % online, one of 1000 refused, three versions, 30 schools.
FILL = """
WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < {last})
INSERT INTO "Pm_prediction" (id, image_id, content_sha256, format, result, error_code, score, model_version, client,
    institution, region, request_id, stage_ms, created_at, day, sampled)
SELECT i + 1, '北京校区Java学科' || i || '期开班合照', {sha256}, 'JPEG',
    CASE WHEN i % 1000 = 999 THEN '' WHEN i % 5 < 2 THEN 'online' ELSE 'offline' END,
    CASE WHEN i % 1000 = 999 THEN 'invalid_image' ELSE '' END,
    CASE WHEN i % 1000 = 999 THEN NULL ELSE 0.5 + (i * 7919.0 - 1000 * floor(i * 7919.0 / 1000)) / 2000 END,
    CASE WHEN i % 1000 = 999 THEN '' ELSE 'v' || (1 + i * 3 / {count}) END,
    CASE WHEN i % 50 = 1 THEN 'office' ELSE 'crawler' END,
    'School ' || (i % 30), '', 'r' || i,
    '{{"parse": 0.5, "model": 30.1, "queue": 0.2, "preprocess": 8.1, "inference": 21.3, "store": 0.9}}',
    {time}, {day}, i % 50 = 7
FROM numbers
"""
SQLITE = {
    "sha256": "printf('%%064x', i)",
    "time": "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now', '-365 days', "
    "'+' || (i * 31536000.0 / {count}) || ' seconds')",
    "day": "date('now', '-365 days', '+' || (i * 31536000.0 / {count}) || ' seconds')",
}
POSTGRESQL = {
    "sha256": "lpad(to_hex(i), 64, '0')",
    "time": "now() + (i * 31536000.0 / {count} - 31536000) * interval '1 second'",
    "day": "(now() + (i * 31536000.0 / {count} - 31536000) * interval '1 second')::date",
}


def fill(count: int) -> None:
    """Write the records, and labels for LABELLED of the oldest photos, a tenth of which say otherwise."""
    from django.db import connection

    from Pm.models import ModelVersion, Photo, Prediction

    words = {name: text.format(count=count) for name, text in globals()[connection.vendor.upper()].items()}
    with connection.cursor() as cursor:
        cursor.execute(FILL.format(count=count, last=count - 1, **words).replace(" % ", " %% "), ())
    ModelVersion.objects.bulk_create(ModelVersion(version=name, sha256="0", manifest={}) for name in VERSIONS)
    first = Prediction.objects.exclude(result="").order_by("id")[:LABELLED]
    other = {"online": "offline", "offline": "online"}
    Photo.objects.bulk_create(
        Photo(
            content_sha256=row.content_sha256,
            name=row.image_id,
            source="posted",
            queue="uncertain",
            result=row.result,
            label=other[row.result] if number % 10 == 0 else row.result,
            waiting=False,
        )
        for number, row in enumerate(first)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "PRAGMA optimize")


def questions(count: int) -> dict[str, dict[str, str]]:
    """Name → query string of the pages that are measured; the deep page is in the middle."""
    from django.utils import timezone

    now = timezone.now()
    week, months = now - timedelta(days=7), now - timedelta(days=200)
    return {
        "first page": {},
        "deep page": {"p": f"older-{count // 2}"},
        "newer than a deep page": {"p": f"newer-{count // 2}"},
        "result: online": {"result__exact": "online"},
        "result: refused (0.1 %)": {"result__exact": "refused"},
        "version: the newest": {"model_version__exact": VERSIONS[-1]},
        "version: the oldest": {"model_version__exact": VERSIONS[0]},
        "version: none such": {"model_version__exact": "v9"},
        "client: 2 %": {"client": "office"},
        "institution": {"institution": "School 7"},
        "labelled (the oldest 0.2 %)": {"reviewed": "yes"},
        "not labelled": {"reviewed": "no"},
        "people say otherwise": {"reviewed": "disagree"},
        "the last 7 days": {"created_at__gte": week.isoformat()},
        "a week 200 days ago": {
            "created_at__gte": months.isoformat(),
            "created_at__lt": (months + timedelta(days=7)).isoformat(),
        },
        "search: image_id": {"q": f"北京校区Java学科{count // 3}期开班合照"},
        "search: request id": {"q": f"r{count // 3}"},
        "search: none such": {"q": "nothing"},
    }


def ask(client: Any, query: dict[str, str]) -> tuple[float, list[dict[str, str]], Any]:  # noqa: ANN401
    """One page. Returns: its milliseconds, the queries on records, the list."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    start = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        reply = client.get("/admin/Pm/prediction/", query)
    if reply.status_code != 200:
        raise SystemExit(f"error: the list answered {reply.status_code} to {query}.")
    ms = (time.perf_counter() - start) * 1000
    return ms, [one for one in queries if '"Pm_prediction"' in one["sql"]], reply.context["cl"]


def plan(sql: str) -> str:
    """How the database reads it."""
    from django.db import connection

    prefix = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{prefix} {sql}".replace("%", "%%"))
        return "\n".join(f"      {row[-1]}" for row in cursor.fetchall())


def measure(count: int) -> None:
    """Ask every question, print a line each and the plan of its slowest query."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    user = User.objects.create_superuser("bench", password=None)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    ask(client, {})  # loads templates
    print(f"{connection.vendor}, {count:,} records; milliseconds, the median of {REPEATS}")
    print(f"{'':30} {'page':>7} {'database':>9} {'queries':>8} {'rows':>5}")
    for name, query in questions(count).items():
        runs = sorted((ask(client, query) for _ in range(REPEATS)), key=lambda run: run[0])
        ms, queries, found = runs[REPEATS // 2]
        database = sum(float(one["time"]) for one in queries) * 1000
        rests = f"  rests at {found.page.rested_at}" if found.page.rested_at else ""
        print(f"{name:30} {ms:7.0f} {database:9.0f} {len(queries):8} {len(found.result_list):5}{rests}")
        slowest = max(queries, key=lambda one: float(one["time"]))["sql"]
        print(plan(slowest))


def main() -> None:
    """Set Django up on the scratch database, fill it, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL", ""), help="an empty PostgreSQL")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = options.database or f"sqlite:///{folder}/db.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "server.settings"
        os.environ["PM_ENV_FILE"] = os.devnull
        os.environ["LOG_LEVEL"] = "ERROR"
        os.environ["ALLOWED_HOSTS"] = "testserver"
        import django

        django.setup()
        from django.core.management import call_command
        from django.test.utils import setup_test_environment

        setup_test_environment()
        call_command("migrate", verbosity=0)
        start = time.perf_counter()
        fill(options.rows)
        print(f"filled in {time.perf_counter() - start:.0f} s")
        measure(options.rows)


if __name__ == "__main__":
    main()
