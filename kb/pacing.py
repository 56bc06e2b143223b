"""So many requests and tokens a minute for a service, counted in the database: all processes together keep to it."""

from __future__ import annotations

from django.db import connection

BURST = 10.0  # seconds' worth that may go out at once after a rest: a single question does not wait
# The generic cell rate algorithm (ITU-T I.371): `ready` is when the line would be free if all had come evenly.
RESERVE = """
INSERT INTO kb_pace AS pace (name, ready)
VALUES (%(name)s, clock_timestamp() - %(burst)s * interval '1 s' + %(cost)s * interval '1 s')
ON CONFLICT (name) DO UPDATE
  SET ready = greatest(pace.ready, clock_timestamp() - %(burst)s * interval '1 s') + %(cost)s * interval '1 s'
  WHERE pace.ready <= clock_timestamp() + %(patience)s * interval '1 s'
RETURNING extract(epoch FROM ready - %(cost)s * interval '1 s' - clock_timestamp())
"""
POSTPONE = """
INSERT INTO kb_pace AS pace (name, ready) VALUES (%(name)s, clock_timestamp() + %(seconds)s * interval '1 s')
ON CONFLICT (name) DO UPDATE SET ready = greatest(pace.ready, excluded.ready)
"""


def reserve(name: str, amount: float, *, per_minute: float, patience: float) -> float | None:
    """Take a place in the line for this amount; the seconds to wait before going, 0 or more.

    None, and no place taken, when that would be longer than `patience` seconds. `per_minute` 0: no limit, but a service
    that was postponed is still waited for. One statement; call it outside a transaction, which would hold up the line.
    """
    cost = 60.0 * amount / per_minute if per_minute else 0.0
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, {"name": name, "cost": cost, "burst": BURST, "patience": patience})
        row = cursor.fetchone()
    return None if row is None else max(0.0, float(row[0]))


def postpone(name: str, seconds: float) -> None:
    """The service asked to be left alone for so long: nobody goes before that."""
    with connection.cursor() as cursor:
        cursor.execute(POSTPONE, {"name": name, "seconds": seconds})
