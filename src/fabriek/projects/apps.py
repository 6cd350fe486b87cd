from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "fabriek.projects"
    label = "projects"
    default_auto_field = "django.db.models.BigAutoField"
