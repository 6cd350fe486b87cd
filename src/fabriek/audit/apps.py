from django.apps import AppConfig

from fabriek.audit.append_only import append_only, install_after_migrate


class AuditConfig(AppConfig):
    name = "fabriek.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        install_after_migrate(self, lambda vendor: append_only("audit_event", vendor))
