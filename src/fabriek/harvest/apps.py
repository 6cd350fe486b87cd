from django.apps import AppConfig


class HarvestConfig(AppConfig):
    name = "fabriek.harvest"
    label = "harvest"
    default_auto_field = "django.db.models.BigAutoField"
