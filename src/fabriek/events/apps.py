from django.apps import AppConfig

from fabriek.audit.append_only import install_after_migrate
from fabriek.events import triggers


class EventsConfig(AppConfig):
    name = "fabriek.events"
    label = "events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        install_after_migrate(self, triggers.statements)
