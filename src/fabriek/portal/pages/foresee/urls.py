"""Addresses of Foresee: studies of policies, and the workloads that they are about."""

from __future__ import annotations

from django.urls import URLPattern, path

from fabriek.portal.pages.foresee import studies, workloads

urlpatterns: list[URLPattern] = [
    path("foresee/", studies.index, name="studies"),
    path("foresee/new/", studies.new, name="ask_study"),
    path("foresee/new/weighed/", studies.weigh, name="weigh_floors"),
    path("foresee/workloads/", workloads.index, name="workloads"),
    path("foresee/workloads/new/", workloads.send, name="send_workload"),
    path("foresee/workloads/recorded/", workloads.record, name="record_workload"),
    path("foresee/workloads/<slug:code>/delete/", workloads.delete, name="delete_workload"),
    path("foresee/studies/<slug:code>/", studies.show, name="study"),
    path("foresee/studies/<slug:code>/now/", studies.now, name="study_now"),
    path("foresee/studies/<slug:code>/slurm.txt", studies.slurm, name="study_slurm"),
    path("foresee/studies/<slug:code>/cancel/", studies.cancel, name="cancel_study"),
    path("foresee/studies/<slug:code>/again/", studies.again, name="ask_study_again"),
    path("foresee/studies/<slug:code>/delete/", studies.delete, name="delete_study"),
    path("foresee/studies/<slug:code>/restore/", studies.restore, name="restore_study"),
]
