"""Attachments: PDF only, on drafts only, outside the web root, read by whoever may read the application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.factories.world import make_draft, make_person, make_world

from fabriek.access.actions import add_attachment, remove_attachment, submit_application
from fabriek.access.attachments import path_of
from fabriek.access.errors import WrongState
from fabriek.access.models import Application, Attachment
from fabriek.access.rules import ATTACHMENT_MIB
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.actions import create_token

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.FABRIEK_FOLDER = tmp_path
    return tmp_path


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "attachments").glob("*"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plan.docx", PDF),
        ("plan.pdf", b"PK\x03\x04 no pdf %%EOF"),
        ("plan.pdf", PDF[:20]),
        ("plan.pdf", PDF + b"x" * (ATTACHMENT_MIB * 1024 * 1024) + b"%%EOF"),
    ],
)
def test_what_is_no_whole_pdf_or_too_large_is_refused_and_not_kept(folder: Path, name: str, content: bytes) -> None:
    draft = make_draft(make_world())
    with pytest.raises(Invalid):
        add_attachment(draft.applicant, draft, name, content)
    assert kept(folder) == []


def test_three_at_most_and_the_same_one_once(folder: Path) -> None:
    draft = make_draft(make_world())
    first = add_attachment(draft.applicant, draft, "../../etc/plan.pdf", PDF)
    assert first.name == "plan.pdf"
    assert add_attachment(draft.applicant, draft, "again.pdf", PDF) == first
    for n in range(2):
        add_attachment(draft.applicant, draft, f"{n}.pdf", PDF + b"%%EOF" * (n + 1))
    with pytest.raises(Invalid, match="at most 3"):
        add_attachment(draft.applicant, draft, "4.pdf", PDF + b"%%EOF" * 9)
    assert len(kept(folder)) == 3
    assert path_of(first.key).read_bytes() == PDF
    assert path_of(first.key).stat().st_mode & 0o077 == 0, "only the platform's own user reads it"


def test_only_the_applicant_and_only_while_it_is_a_draft(folder: Path, django_capture_on_commit_callbacks: Any) -> None:
    draft = make_draft(make_world())
    with pytest.raises(NotAllowed):
        add_attachment(make_person(), draft, "plan.pdf", PDF)
    gone = add_attachment(draft.applicant, draft, "gone.pdf", PDF)
    with django_capture_on_commit_callbacks(execute=True):
        remove_attachment(draft.applicant, draft, gone)
    assert kept(folder) == []
    stays = add_attachment(draft.applicant, draft, "stays.pdf", PDF)
    submit_application(draft.applicant, draft)
    with pytest.raises(WrongState):
        remove_attachment(draft.applicant, draft, stays)
    with pytest.raises(WrongState):
        add_attachment(draft.applicant, draft, "late.pdf", PDF + b"%%EOF")
    assert kept(folder) == [path_of(stays.key)]


def test_the_pages_take_it_and_give_it_to_readers_only() -> None:
    world = make_world()
    draft = make_draft(world)
    client = Client()
    client.force_login(draft.applicant)
    there = f"/applications/{draft.code}/attachments/"
    client.post(there, {"file": SimpleUploadedFile("plan.pdf", PDF)})
    file = Attachment.objects.get()
    page = client.get(f"/applications/{draft.code}/check/").content.decode()
    assert "plan.pdf" in page
    bad = client.post(there, {"file": SimpleUploadedFile("plan.exe", b"MZ")}, follow=True).content.decode()
    assert "plan.exe is no whole PDF" in bad
    assert "Choose a file first." in client.post(there, follow=True).content.decode()
    answer = client.get(f"{there}{file.pk}/")
    assert b"".join(answer) == PDF  # type: ignore[arg-type]
    assert answer["Content-Disposition"] == 'attachment; filename="plan.pdf"'
    submit_application(draft.applicant, Application.objects.get(pk=draft.pk))
    for person, status in ((world.officer, 200), (make_person(), 404), (make_person("reviewer"), 404)):
        reader = Client()
        reader.force_login(person)
        assert reader.get(f"{there}{file.pk}/").status_code == status
    assert Client().get(f"/static/attachments/{file.key}.pdf").status_code == 404


def test_the_api_attaches_lists_gives_and_removes() -> None:
    draft = make_draft(make_world())
    person = draft.applicant
    token = create_token(person, name="test", scopes=["read", "apply"], person=person)[1]
    client = Client(headers={"Authorization": f"Bearer {token}"})
    address = f"/api/v1/applications/{draft.code}/attachments"
    row = client.post(address, {"file": SimpleUploadedFile("plan.pdf", PDF)}).json()
    [listed] = row["attachments"]
    assert (listed["name"], listed["size"]) == ("plan.pdf", len(PDF))
    assert b"".join(client.get(f"{address}/{listed['number']}")) == PDF  # type: ignore[arg-type]
    assert client.post(address, {"file": SimpleUploadedFile("a.pdf", b"no")}).status_code == 422
    assert client.delete(f"{address}/{listed['number']}").json()["attachments"] == []
