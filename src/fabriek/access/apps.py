from django.apps import AppConfig

from fabriek.audit.append_only import append_only, install_after_migrate

# What a decision was made from stays as it was.
APPEND_ONLY = ("access_scenario", "access_scenario_calls", "access_scenarioanswer")


class AccessConfig(AppConfig):
    name = "fabriek.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The database keeps scenarios and their answers as they were."""
        install_after_migrate(
            self, lambda vendor: [statement for table in APPEND_ONLY for statement in append_only(table, vendor)]
        )
