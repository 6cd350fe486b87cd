"""Many people want the last seats at once, and some leave meanwhile. Real processes, a real database."""

from __future__ import annotations

from tests.concurrency.test_two_officers import environment, run, start

__all__ = ["environment"]

WORLD = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories.events import make_event
from tests.factories.world import make_person
event = make_event(seats=int(sys.argv[1]))
people = [make_person() for _ in range(int(sys.argv[2]))]
print(event.code, *(one.email for one in people))
"""

# Each process acts for its own people, after all of them are there.
COME = """
from fabriek.events.actions import register, withdraw
from fabriek.events.models import Event
code, me, others, leave, *emails = sys.argv[1:]
event, people = Event.objects.get(code=code), [Person.objects.get(email=email) for email in emails]
meet(me, others.split(","))
for person in people:
    register(person, event)
for person in people[:int(leave)]:
    withdraw(person, event)
"""

TELL = """
from fabriek.events.models import Event, Registration
event = Event.objects.get()
of = {state: list(Registration.objects.filter(state=state).order_by("id").values_list("id", flat=True))
      for state in ("seat", "waiting", "withdrawn")}
in_line = [one for one in of["seat"] + of["waiting"]]
print(event.taken, len(of["seat"]), len(of["waiting"]), len(of["withdrawn"]), in_line == sorted(in_line))
"""


def test_no_seat_is_given_twice_and_the_line_keeps_its_order(environment: dict[str, str]) -> None:
    code, *emails = run(environment, WORLD, "5", "24").split()
    names = ["first", "second", "third"]
    processes = [
        start(environment, COME, code, name, ",".join(names), "3", *emails[number::3])
        for number, name in enumerate(names)
    ]
    for process in processes:
        _output, errors = process.communicate(timeout=400)
        assert process.returncode == 0, errors[-3000:]
    # 24 came, 9 of them left again: all five seats are held, by those who asked before everybody that waits.
    assert run(environment, TELL) == "5 5 10 9 True"
