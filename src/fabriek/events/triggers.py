"""What the database itself keeps true of seats, whatever code runs: `Event.taken` is the number of registrations that
hold one. The constraint `event_never_overbooked` then refuses one too many, on SQLite and PostgreSQL alike."""

from __future__ import annotations

_SQLITE = [
    """CREATE TRIGGER IF NOT EXISTS events_seat_taken AFTER INSERT ON events_registration WHEN NEW.state = 'seat' BEGIN
    UPDATE events_event SET taken = taken + 1 WHERE id = NEW.event_id; END""",
    """CREATE TRIGGER IF NOT EXISTS events_seat_left AFTER DELETE ON events_registration WHEN OLD.state = 'seat' BEGIN
    UPDATE events_event SET taken = taken - 1 WHERE id = OLD.event_id; END""",
    """CREATE TRIGGER IF NOT EXISTS events_seat_moved AFTER UPDATE OF state, event_id ON events_registration BEGIN
    UPDATE events_event SET taken = taken - (OLD.state = 'seat') WHERE id = OLD.event_id;
    UPDATE events_event SET taken = taken + (NEW.state = 'seat') WHERE id = NEW.event_id; END""",
]

_POSTGRESQL = [
    """CREATE OR REPLACE FUNCTION events_seats() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP IN ('UPDATE', 'DELETE') AND OLD.state = 'seat' THEN
            UPDATE events_event SET taken = taken - 1 WHERE id = OLD.event_id;
        END IF;
        IF TG_OP IN ('INSERT', 'UPDATE') AND NEW.state = 'seat' THEN
            UPDATE events_event SET taken = taken + 1 WHERE id = NEW.event_id;
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE OR REPLACE TRIGGER events_seats AFTER INSERT OR DELETE OR UPDATE OF state, event_id ON events_registration
    FOR EACH ROW EXECUTE FUNCTION events_seats()""",
]


def statements(vendor: str) -> list[str]:
    """All triggers of this room, repeatable."""
    return _POSTGRESQL if vendor == "postgresql" else _SQLITE
