from django.apps import AppConfig

from fabriek.audit.append_only import append_only, install_after_migrate


class SupportConfig(AppConfig):
    name = "fabriek.support"
    label = "support"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        install_after_migrate(
            self,
            lambda vendor: [*append_only("support_message", vendor), *append_only("support_handover", vendor)],
        )
