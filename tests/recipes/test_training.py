"""The recipes for real: a model that learns, goes on learning, is judged, answers and is trained by two processes."""

from __future__ import annotations

import hashlib
import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.recipes.site import SMALL, Site

from fabriek.operations.actions import cancel_job
from fabriek.operations.models import Job, UsageRecord
from fabriek.recipes.models import Result
from fabriek.recipes.queries import lineage, whole_lineage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HELD = {name: SMALL[name] for name in ("stories", "cores", "minutes", "accelerators")}


def went_well(job: Job) -> Result:
    assert job.state == "COMPLETED", job.output + job.error_output
    result = Result.objects.get(job=job)
    assert result.problem == ""
    assert result.complete
    return result


def test_a_model_learns_goes_on_and_is_judged_and_each_step_is_on_record(site: Site) -> None:
    trained = went_well(site.run("train-small-lm", **SMALL))
    first, last = trained.metrics["validation_loss_first"], trained.metrics["validation_loss"]
    assert last < first * 0.6, f"the loss fell from {first} to {last}"
    assert last < trained.metrics["validation_loss_first"] - 1
    losses = [y for _x, y in next(line for line in trained.series if line["name"] == "training loss")["points"]]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
    assert trained.kind == "model"
    assert trained.code["sha256"] == trained.job.run.digest
    assert trained.datasets[0]["name"] == "factory-stories-en"
    assert re.fullmatch("[0-9a-f]{64}", trained.datasets[0]["sha256"])
    checkpoint = trained.outputs.get(kind="checkpoint")
    kept = Path(checkpoint.path).read_bytes()
    assert (len(kept), hashlib.sha256(kept).hexdigest()) == (checkpoint.bytes, checkpoint.sha256)
    assert trained.metrics["parameters"] == 120_576

    tuned = went_well(
        site.run("fine-tune-lm", checkpoint=str(trained.job.uuid), text="made-nl", steps=30, batch=8, **HELD)
    )
    # It begins with what it had learned: Dutch is no news to the same degree as to an empty model.
    assert tuned.metrics["validation_loss_first"] < first - 1
    assert tuned.metrics["validation_loss"] < tuned.metrics["validation_loss_first"]
    assert tuned.read[0]["sha256"] == checkpoint.sha256
    assert tuned.datasets[0]["name"] == "factory-stories-nl"

    judged = went_well(
        site.run("evaluate-lm", checkpoint=str(tuned.job.uuid), text="made-nl", windows=32, prompt="In 'x'; ", **HELD)
    )
    assert judged.metrics["loss"] == pytest.approx(tuned.metrics["validation_loss"], abs=0.25)
    assert judged.metrics["loss"] < judged.metrics["loss_without_a_model"]
    assert 0 < judged.metrics["accuracy"] < 1
    assert [output.result for output in lineage(judged).came_from] == [tuned]
    assert [job.result for job in lineage(trained).led_to] == [tuned]
    assert whole_lineage(judged) == [tuned, trained]
    assert UsageRecord.objects.count() == 3


def test_two_processes_train_one_model(site: Site) -> None:
    job = site.run("train-distributed", **{**SMALL, "cores": 2, "steps": 25})
    result = went_well(job)
    assert result.environment["processes"] == "2"
    assert result.metrics["validation_loss"] < result.metrics["validation_loss_first"] - 0.3
    # Each of the two reads its own eight windows of 64 bytes in each step.
    assert result.metrics["tokens"] == 25 * 8 * 64 * 2


def ask(port: str, key: str, **body: object) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}"},
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_a_model_answers_over_http_to_who_has_the_key(site: Site) -> None:
    trained = went_well(site.run("train-small-lm", **{**SMALL, "steps": 5}))
    held = {name: HELD[name] for name in ("cores", "minutes", "accelerators")}
    job = site.submit("serve-lm", checkpoint=str(trained.job.uuid), **held)
    last = time.monotonic() + 120
    while "It answers on" not in job.output:
        assert time.monotonic() < last, job.output + job.error_output
        site.agent.round()
        job.refresh_from_db()
        time.sleep(0.1)
    found = re.search(r"127\.0\.0\.1:(\d+) .*The key is in (\S+) there", job.output, re.DOTALL)
    assert found, job.output
    port, kept = found[1], Path(found[2])
    assert kept.stat().st_mode & 0o777 == 0o600
    key = kept.read_text()
    assert key not in job.output + job.error_output
    status, answer = ask(port, key, prompt="In ", max_tokens=10, seed=1)
    assert status == 200
    assert answer["usage"]["completion_tokens"] == 10
    assert ask(port, key, prompt="In ", max_tokens=10, seed=1)[1] == answer
    assert ask(port, "wrong", prompt="In ")[0] == 401
    assert ask(port, key, prompt="In ", max_tokens=10**9)[0] == 400
    assert ask(port, key, prompt=7)[0] == 400
    cancel_job(site.lead, job)
    site.until_ended(job)
    assert job.state == "CANCELLED"
    result = Result.objects.get(job=job)
    assert (result.metrics["requests"], result.metrics["refused"]) == (3, 1)
    assert not kept.exists(), "the key goes with the service"


def test_a_notebook_says_what_the_environment_lacks(site: Site) -> None:
    job = site.run("notebook", cores=1, minutes=5)
    assert job.state == "FAILED"
    assert "has no Jupyter. Ask your site to install jupyterlab" in job.error_output
    assert "Traceback" not in job.error_output


def test_training_that_is_stopped_keeps_what_it_learned(site: Site) -> None:
    job = site.submit("train-small-lm", **{**SMALL, "steps": 100_000})
    last = time.monotonic() + 120
    while not Result.objects.filter(job=job, series__0__name="validation loss", metrics__steps__gt=3).exists():
        assert time.monotonic() < last, job.output + job.error_output
        site.agent.round()
        time.sleep(0.1)
    assert not Result.objects.get(job=job).complete, "while it goes on, its page shows how far it is"
    job.refresh_from_db()
    cancel_job(site.lead, job)
    site.until_ended(job)
    assert job.state == "CANCELLED"
    result = Result.objects.get(job=job)
    assert result.complete
    assert Path(result.outputs.get(kind="checkpoint").path).stat().st_size > 100_000


def test_a_checkpoint_that_somebody_wrote_over_is_noticed(site: Site) -> None:
    trained = went_well(site.run("train-small-lm", **{**SMALL, "steps": 2}))
    Path(trained.outputs.get(kind="checkpoint").path).write_bytes(b"something else")
    job = site.run("evaluate-lm", checkpoint=str(trained.job.uuid), windows=1, **HELD)
    assert job.state == "FAILED"
    assert "is not the one that was registered" in job.error_output
    assert not Result.objects.filter(job=job).exists()
