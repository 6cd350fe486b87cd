"""What the database itself keeps true of the ledger, whatever code runs: see `models.py`.

Both databases: entries and transactions are append-only; the two accounts of an entry have one unit; the sums of an
account follow from its entries; an account keeps its identity and its sums never shrink.
"""

from __future__ import annotations

from fabriek.audit.append_only import append_only

_SQLITE = [
    """CREATE TRIGGER IF NOT EXISTS ledger_entry_one_unit BEFORE INSERT ON ledger_entry
    WHEN (SELECT unit FROM ledger_account WHERE id = NEW.debit_id)
      IS NOT (SELECT unit FROM ledger_account WHERE id = NEW.credit_id)
    BEGIN SELECT RAISE(ABORT, 'ledger: an entry needs two accounts of one unit'); END""",
    """CREATE TRIGGER IF NOT EXISTS ledger_entry_moves AFTER INSERT ON ledger_entry BEGIN
    UPDATE ledger_account SET credits = credits + NEW.amount WHERE id = NEW.credit_id;
    UPDATE ledger_account SET debits = debits + NEW.amount WHERE id = NEW.debit_id;
    END""",
    """CREATE TRIGGER IF NOT EXISTS ledger_account_keeps_identity BEFORE UPDATE ON ledger_account
    WHEN NEW.debits < OLD.debits OR NEW.credits < OLD.credits OR NEW.code <> OLD.code OR NEW.kind <> OLD.kind
      OR NEW.unit <> OLD.unit OR NEW.partition <> OLD.partition OR NEW.month <> OLD.month
      OR NEW.programme <> OLD.programme OR NEW.allocation <> OLD.allocation
    BEGIN SELECT RAISE(ABORT, 'ledger: an account keeps its identity and its sums'); END""",
    """CREATE TRIGGER IF NOT EXISTS ledger_account_starts_empty BEFORE INSERT ON ledger_account
    WHEN NEW.debits <> 0 OR NEW.credits <> 0
    BEGIN SELECT RAISE(ABORT, 'ledger: an account starts empty'); END""",
    """CREATE TRIGGER IF NOT EXISTS ledger_account_no_delete BEFORE DELETE ON ledger_account
    BEGIN SELECT RAISE(ABORT, 'ledger_account: delete refused'); END""",
]

_POSTGRESQL = [
    """CREATE OR REPLACE FUNCTION ledger_entry_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT unit FROM ledger_account WHERE id = NEW.debit_id)
           IS DISTINCT FROM (SELECT unit FROM ledger_account WHERE id = NEW.credit_id) THEN
            RAISE EXCEPTION 'ledger: an entry needs two accounts of one unit' USING ERRCODE = 'check_violation';
        END IF;
        UPDATE ledger_account SET credits = credits + NEW.amount WHERE id = NEW.credit_id;
        UPDATE ledger_account SET debits = debits + NEW.amount WHERE id = NEW.debit_id;
        RETURN NULL;
    END $$""",
    """CREATE OR REPLACE TRIGGER ledger_entry_moves AFTER INSERT ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_moves()""",
    """CREATE OR REPLACE FUNCTION ledger_account_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'ledger_account: delete refused' USING ERRCODE = 'restrict_violation';
        ELSIF TG_OP = 'INSERT' THEN
            IF NEW.debits <> 0 OR NEW.credits <> 0 THEN
                RAISE EXCEPTION 'ledger: an account starts empty' USING ERRCODE = 'check_violation';
            END IF;
        ELSIF NEW.debits < OLD.debits OR NEW.credits < OLD.credits
           OR (NEW.code, NEW.kind, NEW.unit, NEW.partition, NEW.month, NEW.programme, NEW.allocation)
              IS DISTINCT FROM
              (OLD.code, OLD.kind, OLD.unit, OLD.partition, OLD.month, OLD.programme, OLD.allocation) THEN
            RAISE EXCEPTION 'ledger: an account keeps its identity and its sums' USING ERRCODE = 'check_violation';
        END IF;
        RETURN COALESCE(NEW, OLD);
    END $$""",
    """CREATE OR REPLACE TRIGGER ledger_account_keeps BEFORE INSERT OR UPDATE OR DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_account_keeps()""",
]


def statements(vendor: str) -> list[str]:
    """All triggers of this room, repeatable."""
    own = _POSTGRESQL if vendor == "postgresql" else _SQLITE
    return [*append_only("ledger_entry", vendor), *append_only("ledger_transaction", vendor), *own]
