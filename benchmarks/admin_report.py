"""How long the admin's report takes at a million records: `python -m benchmarks.admin_report [ROWS]`.

Fills a scratch database (a SQLite file that is deleted afterwards, or the one that DATABASE_URL names, which must hold
no records: `tests/with_postgres.sh python -m benchmarks.admin_report`), then prints the plan of each query, the seconds
of each page and file, and what the index report_counts costs an insert.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

DAYS, INSTITUTIONS, REGIONS, VERSIONS = 365, 300, 31, 6
REPEATS = 5
INSERTS = 1_000
LAST = date(2026, 11, 20)
# The same for both databases, a day at a time: a few seconds, where inserts from Python take minutes.
FILL = """
INSERT INTO "Pm_prediction" (image_id, content_sha256, size_bytes, format, width, height, result, score, model_version,
    error_code, stage_ms, client, request_id, created_at, institution, region, day)
WITH RECURSIVE numbers(n) AS (SELECT CAST(%(low)s AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < %(high)s)
SELECT 'photo' || n, 'sha256-' || (n * 7919 %% 1000003), 60000, 'JPEG', 640, 480,
    CASE WHEN n %% 50 = 0 THEN '' WHEN n * 7 %% 10 < 6 THEN 'offline' ELSE 'online' END, 0.97, %(version)s,
    CASE WHEN n %% 50 = 0 THEN 'busy' ELSE '' END, '{"parse": 0.345, "model": 34.567, "store": 1.234}', 'crawler',
    'request' || n, %(at)s, '院校' || (n * (n %% 7 + 1) %% %(institutions)s) || '校区',
    '区域' || (n * (n %% 7 + 1) %% %(institutions)s %% %(regions)s), %(day)s
FROM numbers
"""


def main(rows: int) -> None:
    """Fill, then measure."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/db.sqlite3")
        os.environ.setdefault("PM_ENV_FILE", os.devnull)
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        import django

        django.setup()
        fill(rows)
        measure_plans()
        measure_pages()
        measure_inserts()
        measure_fill_command()


def fill(rows: int) -> None:
    """Records of a year, most institutions with a few and some with many."""
    from django.core.management import call_command
    from django.db import connection

    from Pm.models import Prediction

    call_command("migrate", verbosity=0)
    if Prediction.objects.exists():
        sys.exit("error: the database that DATABASE_URL names holds records: name an empty one.")
    start = time.perf_counter()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA cache_size = -500000")
        for number in range(DAYS):
            day = LAST - timedelta(days=DAYS - 1 - number)
            low, high = rows * number // DAYS, rows * (number + 1) // DAYS
            facts: dict[str, int | str] = {
                "low": low,
                "high": high,
                "day": str(day),
                "at": f"{day} 04:00:00",
                "regions": REGIONS,
            }
            facts |= {"institutions": INSTITUTIONS, "version": f"v{number * VERSIONS // DAYS}"}
            cursor.execute(FILL, facts)
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    print(f"{connection.vendor}: {Prediction.objects.count():,} records in {time.perf_counter() - start:.0f} s\n")


def measure_plans() -> None:
    """What the database does for the page of all days."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from Pm.report.filters import Filters
    from Pm.report.periods import Days
    from Pm.report.selectors import report

    with CaptureQueriesContext(connection) as queries:
        report(Filters("all", Days(None, None)))
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN (ANALYZE, BUFFERS)"
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(f"{explain} {query['sql']}")
            plan = "\n".join(f"    {row[-1]}" for row in cursor.fetchall())
            print(f"{query['sql']}\n{plan}\n")


def measure_pages() -> None:
    """The pages and files as they are asked for, templates included."""
    from unittest.mock import patch

    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.create_superuser("benchmark"), backend="django.contrib.auth.backends.ModelBackend")
    now = datetime.fromisoformat(f"{LAST}T12:00:00+08:00")
    for name, address in (
        ("30 days (the default)", ""),
        ("today", "?period=today"),
        ("this term", "?period=this-term"),
        ("all", "?period=all"),
        ("all of a region", "?period=all&region=区域3"),
        ("all of an institution", "?period=all&institution=院校4校区"),
        ("all of a version", "?period=all&model_version=v3"),
        ("all as XLSX", "report.xlsx?period=all"),
        ("all days as CSV", "days.csv?period=all"),
    ):

        def ask(address: str = address) -> None:
            with patch("django.utils.timezone.now", return_value=now):
                response = client.get(f"/admin/report/{address}")
                b"".join(response)
            response.close()
            if response.status_code != 200:
                sys.exit(f"error: /admin/report/{address} answers {response.status_code}.")

        print(f"{name:<24} {_seconds(ask)}")


def measure_inserts() -> None:
    """One record at a time, as a request writes it, with the index and without."""
    from django.db import connection
    from django.utils import timezone

    from Pm.models import Prediction

    def insert() -> float:
        start = time.perf_counter()
        for number in range(INSERTS):
            Prediction(
                image_id=f"new{number}",
                client="c",
                request_id=str(number),
                result="online",
                score=0.9,
                model_version="v5",
                institution=f"院校{number % INSTITUTIONS}校区",
                region="区域1",
                created_at=timezone.now(),
            ).save(force_insert=True)
        return (time.perf_counter() - start) / INSERTS * 1000

    index = next(index for index in Prediction._meta.indexes if index.name == "report_counts")
    times: dict[str, list[float]] = {"with report_counts": [], "without": []}
    for _ in range(3):  # in turns, so that the machine's noise hits both alike
        times["with report_counts"].append(insert())
        with connection.schema_editor() as editor:
            editor.remove_index(Prediction, index)
        times["without"].append(insert())
        with connection.schema_editor() as editor:
            editor.add_index(Prediction, index)
    print("\n" + "\n".join(f"insert {name:<19} {min(found):.3f} ms" for name, found in times.items()))


def measure_fill_command() -> None:
    """Old records, which have no day: how long the page waits for them."""
    from Pm.models import Prediction
    from Pm.report.fill import fill_report_fields

    old = Prediction.objects.filter(pk__lte=100_000)
    old.update(day=None)
    start = time.perf_counter()
    filled = fill_report_fields(everything=False, progress=lambda _done, _last: None)
    print(f"\nfill_report_fields: {filled:,} old records among all in {time.perf_counter() - start:.1f} s")


def _seconds(action: Callable[[], None]) -> str:
    wall, process = [], []
    for _ in range(REPEATS):
        start, start_process = time.perf_counter(), time.process_time()
        action()
        wall.append(time.perf_counter() - start)
        process.append(time.process_time() - start_process)
    return f"best {min(wall):.2f} s, median {statistics.median(wall):.2f} s (of Python's process {min(process):.2f} s)"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
