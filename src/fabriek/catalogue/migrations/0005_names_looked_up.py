"""Names by which entries are looked up, in columns whose indices SQLite and PostgreSQL use and that take any text."""

from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Length, Lower


def fill(apps, schema_editor):
    Entry, Place, Tie = (apps.get_model("catalogue", name) for name in ("Entry", "Place", "Tie"))
    named = Entry.objects.annotate(name_length=Length("identifier"))
    named.filter(Q(name_length=0) | Q(name_length__gt=500)).update(identifier=None)
    places = Place.objects.annotate(name_length=Length("location"))
    places.filter(storage="hub", name_length__lte=500).update(on_hub=Lower("location"))
    ties = Tie.objects.annotate(name_length=Length("address"))
    ties.filter(address__regex=r"^[a-z0-9]+(-[a-z0-9]+)*$", name_length__lte=120).update(code=F("address"))


def empty(apps, schema_editor):
    apps.get_model("catalogue", "Entry").objects.filter(identifier=None).update(identifier="")


class Migration(migrations.Migration):
    # PostgreSQL changes no table that has waiting triggers: rows and columns are changed in transactions of their own.
    atomic = False

    dependencies = [("catalogue", "0004_profiles")]

    operations = [
        migrations.RemoveIndex(model_name="entry", name="entry_identifier"),
        migrations.RemoveIndex(model_name="tie", name="tie_by_address"),
        migrations.AlterField(
            model_name="entry",
            name="identifier",
            field=models.CharField(
                blank=True, help_text="a lasting address, in lower case", max_length=2000, null=True
            ),
        ),
        migrations.AddField(
            model_name="place",
            name="on_hub",
            field=models.CharField(
                blank=True, help_text="what a Hub calls it, in lower case", max_length=500, null=True
            ),
        ),
        migrations.AddField(
            model_name="tie",
            name="code",
            field=models.CharField(blank=True, help_text="where it is a code", max_length=120, null=True),
        ),
        migrations.RunPython(fill, empty),
        migrations.AlterField(
            model_name="entry",
            name="identifier",
            field=models.CharField(
                blank=True, help_text="a lasting address, in lower case", max_length=500, null=True
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("identifier__isnull", False)), fields=["identifier"], name="entry_identifier"
            ),
        ),
        migrations.AddIndex(
            model_name="place",
            index=models.Index(condition=models.Q(("on_hub__isnull", False)), fields=["on_hub"], name="place_on_hub"),
        ),
        migrations.AddIndex(
            model_name="tie",
            index=models.Index(condition=models.Q(("code__isnull", False)), fields=["code"], name="tie_by_code"),
        ),
    ]
