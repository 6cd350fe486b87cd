"""Operators declare statements too: those that are there came with the package."""

from typing import Any

from django.db import migrations, models


def of_the_package(apps: Any, _schema_editor: Any) -> None:
    """No verb made a statement before this."""
    apps.get_model("register", "LegalStatement").objects.update(is_reference=True)


class Migration(migrations.Migration):
    dependencies = [("register", "0003_legalstatement")]

    operations = [
        migrations.AddField(
            model_name="legalstatement",
            name="is_reference",
            field=models.BooleanField(default=False, help_text="came with the package, and is refreshed with it"),
        ),
        migrations.RunPython(of_the_package, migrations.RunPython.noop),
    ]
