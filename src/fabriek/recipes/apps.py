from django.apps import AppConfig


class RecipesConfig(AppConfig):
    name = "fabriek.recipes"
    label = "recipes"
    default_auto_field = "django.db.models.BigAutoField"
