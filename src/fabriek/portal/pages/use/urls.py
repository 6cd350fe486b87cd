"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.use import hours, jobs, openid, projects, promises, recipes, reports, signing_in, transfers

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", signing_in.sign_in, name="sign_in"),
    path("sign-in/demo/", signing_in.sign_in_demo, name="sign_in_demo"),
    path("sign-in/openid/", openid.openid_start, name="openid_start"),
    path("sign-in/openid/back/", openid.openid_back, name="openid_back"),
    path("sign-in/<str:token>", signing_in.sign_in_link, name="sign_in_link"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
    path("account/", signing_in.account, name="account"),
    path("account/identities/connect/", openid.openid_connect, name="openid_connect"),
    path("account/identities/<int:number>/disconnect/", openid.openid_disconnect, name="openid_disconnect"),
    path("account/tokens/", signing_in.make_token, name="make_token"),
    path("account/tokens/<int:number>/void/", signing_in.void_token, name="void_token"),
    path("projects/", projects.index, name="projects"),
    path("projects/<slug:code>/", projects.show, name="project"),
    path("projects/<slug:code>/hours/", hours.show, name="project_hours"),
    path("projects/<slug:code>/report/", reports.report, name="report"),
    path("projects/<slug:code>/members/", projects.take_in, name="take_in"),
    path("projects/<slug:code>/members/<int:number>/remove/", projects.let_go, name="let_go"),
    path("projects/<slug:code>/jobs/", jobs.jobs, name="jobs"),
    path("projects/<slug:code>/jobs/new/", jobs.new_job, name="submit_job"),
    path("projects/<slug:code>/jobs/estimate/", jobs.job_estimate, name="job_estimate"),
    path("projects/<slug:code>/jobs/cancel/", jobs.stop_several, name="cancel_jobs"),
    path("projects/<slug:code>/recipes/", recipes.of_project, name="project_recipes"),
    path("projects/<slug:code>/recipes/<str:recipe>/", recipes.run, name="run_recipe"),
    path("projects/<slug:code>/recipes/<str:recipe>/estimate/", recipes.estimate, name="estimate_recipe"),
    path("projects/<slug:code>/results/", recipes.results, name="results"),
    path("recipes/", recipes.index, name="recipes"),
    path("results/<uuid:uuid>/", recipes.result, name="result"),
    path("projects/<slug:code>/transfers/", transfers.transfers, name="transfers"),
    path("projects/<slug:code>/transfers/new/", transfers.ask, name="ask_transfer"),
    path("transfers/<uuid:uuid>/", transfers.transfer, name="transfer"),
    path("transfers/<uuid:uuid>/start/", transfers.start, name="start_transfer"),
    path("transfers/<uuid:uuid>/cancel/", transfers.cancel, name="cancel_transfer"),
    path("transfers/<uuid:uuid>/retry/", transfers.retry, name="retry_transfer"),
    path("allocations/", projects.allocations, name="allocations"),
    path("allocations/<str:code>/", projects.allocation, name="allocation"),
    path("jobs/<uuid:uuid>/", jobs.job, name="job"),
    path("jobs/<uuid:uuid>/output/<slug:stream>/", jobs.job_output, name="job_output"),
    path("jobs/<uuid:uuid>/cancel/", jobs.stop, name="cancel_job"),
    path("promises/", promises.index, name="promises"),
    path("promises/<str:code>/", promises.show, name="promise"),
]
