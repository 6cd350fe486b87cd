"""What a run was suspended, and which allocations it went on into.

Keys become Slurm's own, job and submit: a run whose start is corrected stays the same run. The table only grows, so its
triggers are taken away first; `migrate` puts them back when it is done.
"""

from django.db import migrations, models
from django.db.models import F, Q


def without_start(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    with schema_editor.connection.cursor() as cursor:
        for verb in ("update", "delete"):
            where = " ON operations_usagerecord" if vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS operations_usagerecord_no_{verb}{where}")
        # Two runs of one submission, which Slurm doesn't have, keep the keys that tell them apart.
        cursor.execute(
            """
            UPDATE operations_usagerecord SET key = job_id || '/' || submit
            WHERE NOT EXISTS (
                SELECT 1 FROM operations_usagerecord o
                WHERE o.cluster_id = operations_usagerecord.cluster_id AND o.job_id = operations_usagerecord.job_id
                  AND o.submit = operations_usagerecord.submit AND o.start <> operations_usagerecord.start
                  AND o.key <> operations_usagerecord.key)
            """
        )


class Migration(migrations.Migration):
    dependencies = [("operations", "0002_drift")]

    operations = [
        migrations.RunPython(without_start, migrations.RunPython.noop),
        migrations.AddField(
            model_name="usagerecord",
            name="suspended",
            field=models.BigIntegerField(default=0, help_text="seconds in which it stood still; they don't count"),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="parts",
            field=models.TextField(
                blank=True,
                default="",
                help_text="of a run that went on into other allocations: '2026-03 CODE', a line for each month; else nothing",
            ),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="key",
            field=models.CharField(help_text="identifies the run: job, submit", max_length=120),
        ),
        migrations.RemoveConstraint(model_name="usagerecord", name="record_sane"),
        migrations.AddConstraint(
            model_name="usagerecord",
            constraint=models.CheckConstraint(
                condition=Q(
                    accelerator_seconds__gte=0, core_seconds__gte=0, suspended__gte=0, end__gte=F("start") + F("suspended")
                ),
                name="record_sane",
            ),
        ),
    ]
