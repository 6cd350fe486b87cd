from django.apps import AppConfig

from fabriek.audit.append_only import install_after_migrate
from fabriek.ledger import triggers


class LedgerConfig(AppConfig):
    name = "fabriek.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        install_after_migrate(self, triggers.statements)
