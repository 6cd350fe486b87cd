"""Everything that a page does, the API and the command do too. A page with a new verb and no route fails here."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import pytest
import typer
from django.urls import URLPattern
from typer.testing import CliRunner

from fabriek.api import routes as routes_package
from fabriek.api.main import api
from fabriek.cli.main import app
from fabriek.portal.urls import urlpatterns

# page -> (method and address of the API, the command's words)
VERBS: dict[str, tuple[str, str]] = {
    "start_application": ("POST /calls/{code}/applications", "apply"),
    "save_step": ("PATCH /applications/{code}", "apply"),
    "application_step": ("POST /applications/{code}/submit", "apply"),
    "withdraw": ("POST /applications/{code}/withdraw", "application withdraw"),
    "add_attachment": ("POST /applications/{code}/attachments", "application attach"),
    "remove_attachment": ("DELETE /applications/{code}/attachments/{number}", "application detach"),
    "reply": ("POST /applications/{code}/reply", "application reply"),
    "object": ("POST /applications/{code}/objection", "application object"),
    "review": ("POST /reviews/{number}", "review submit"),
    "save_review": ("PATCH /reviews/{number}", "review save"),
    "decline_review": ("POST /reviews/{number}/decline", "review decline"),
    "account": ("PATCH /me", "me change"),
    "join_organisation": ("POST /organisation", "me join"),
    "void_token": ("DELETE /me/tokens/{number}", "me void-token"),
    "project_hours": ("POST /projects/{code}/changes", "change ask"),
    "report": ("PUT /projects/{code}/report", "report submit"),
    "take_in": ("POST /projects/{code}/members", "member add"),
    "let_go": ("DELETE /projects/{code}/members/{email}", "member remove"),
    "submit_job": ("POST /jobs", "job submit"),
    "job_estimate": ("POST /jobs/estimate", "job estimate"),
    "cancel_job": ("POST /jobs/{uuid}/cancel", "job cancel"),
    "ask_transfer": ("POST /projects/{code}/transfers", "transfer ask"),
    "start_transfer": ("POST /transfers/{uuid}/start", "transfer start"),
    "cancel_transfer": ("POST /transfers/{uuid}/cancel", "transfer cancel"),
    "retry_transfer": ("POST /transfers/{uuid}/retry", "transfer retry"),
    "cancel_jobs": ("POST /projects/{code}/jobs/cancel", "job cancel"),
    "run_recipe": ("POST /recipes/{code}/runs", "recipe run"),
    "estimate_recipe": ("POST /recipes/{code}/estimate", "recipe estimate"),
    "new_entry": ("POST /catalogue/entries", "catalogue new"),
    "edit_entry": ("PUT /catalogue/entries/{code}", "catalogue edit"),
    "upload_entry_file": ("POST /catalogue/entries/{code}/files", "catalogue upload"),
    "ask_entry": ("POST /catalogue/entries/{code}/ask", "catalogue ask"),
    "retire_entry": ("POST /catalogue/entries/{code}/retire", "catalogue retire"),
    "publish_entry": ("POST /catalogue/entries/{code}/publish", "catalogue publish"),
    "send_back_entry": ("POST /catalogue/entries/{code}/send-back", "catalogue send-back"),
    "my_profiles": ("POST /me/profiles", "profile begin"),
    "profile": ("PUT /catalogue/profiles/{code}/consents", "profile agree"),
    "erase_profile": ("DELETE /catalogue/profiles/{code}", "profile erase"),
    "write_to_profile": ("POST /catalogue/profiles/{code}/letters", "profile write"),
    "look_at_venture": ("POST /catalogue/profiles/{code}/looks", "profile look"),
    "hide_profile": ("POST /catalogue/profiles/{code}/hide", "profile hide"),
    "lift_profile": ("POST /catalogue/profiles/{code}/lift", "profile lift"),
    "save_search": ("POST /catalogue/searches", "catalogue save"),
    "change_search": ("PUT /catalogue/searches/{number}", "catalogue change-search"),
    "see_news": ("POST /catalogue/searches/{number}/seen", "catalogue seen"),
    "forget_search": ("DELETE /catalogue/searches/{number}", "catalogue forget"),
    "draft_from_result": ("POST /results/{uuid}/entry", "catalogue from-result"),
    "propose_decision": ("POST /decisions", "decision propose"),
    "publish_decision": ("POST /decisions/{code}/publish", "decision publish"),
    "discard_decision": ("POST /decisions/{code}/discard", "decision discard"),
    "initial_decision": ("POST /decisions/{code}/initial", "decision initial"),
    "send_back_decision": ("POST /decisions/{code}/send-back", "decision send-back"),
    "open_call": ("POST /calls", "call open"),
    "close_call": ("POST /calls/{code}/close", "call close"),
    "check_applications": ("POST /calls/{code}/eligibility", "call check"),
    "assign_reviewers": ("POST /calls/{code}/reviewers", "call assign"),
    "settle_scores": ("POST /calls/{code}/scores", "call settle"),
    "check_application": ("POST /applications/{code}/eligibility", "application check"),
    "settle_score": ("POST /applications/{code}/score", "application score"),
    "replace_reviewer": ("POST /applications/{code}/reviewer", "application replace-reviewer"),
    "assessment": ("POST /applications/{code}/assessment", "application assess"),
    "what_if": ("POST /scenarios", "scenario ask"),
    "scenario_why": ("POST /scenarios/{code}/explanations/{application}", "scenario explain"),
    "scenario_prices": ("POST /scenarios/{code}/prices", "scenario prices"),
    "application_why": ("POST /applications/{code}/explanation", "application explain"),
    "cancel_scenario": ("POST /scenarios/{code}/cancel", "scenario cancel"),
    "ask_scenario_again": ("POST /scenarios/{code}/again", "scenario again"),
    "choose_scenario": ("POST /scenarios/{code}/choose", "scenario choose"),
    "ask_study": ("POST /studies", "study ask"),
    "cancel_study": ("POST /studies/{code}/cancel", "study cancel"),
    "ask_study_again": ("POST /studies/{code}/again", "study again"),
    "delete_study": ("DELETE /studies/{code}", "study delete"),
    "restore_study": ("POST /studies/{code}/restore", "study restore"),
    "send_workload": ("POST /workloads", "study-workload send"),
    "record_workload": ("POST /workloads/recorded", "study-workload record"),
    "delete_workload": ("DELETE /workloads/{code}", "study-workload delete"),
    "decide_queue": ("POST /calls/{code}/queue", "queue decide"),
    "offer_again": ("POST /calls/{code}/offer", "offer confirm"),
    "warn_unused": ("POST /returns", "return warn"),
    "take_back": ("POST /returns/{number}/take", "return take"),
    "change": ("POST /changes/{number}/refuse", "change refuse"),
    "grant_change": ("POST /changes/{number}/grant", "change grant"),
    "answer_objection": ("POST /applications/{code}/objection/answer", "objection answer"),
    "establish_shares": ("PUT /shares/{system}/{partition}", "share establish"),
    "reallocate": ("POST /reallocations/{system}/{partition}", "share reallocate"),
    "undo_reallocation": ("POST /reallocations/{system}/{partition}/{code}/undo", "share undo"),
    "establish_programme": ("POST /programmes", "programme establish"),
    "rename_programme": ("POST /programmes/{code}/name", "programme rename"),
    "set_sign_off": ("PUT /programmes/{code}/sign-off", "programme sign-off"),
    "make_promise": ("POST /promises", "promise make"),
    "end_promise": ("POST /promises/{code}/end", "promise end"),
    "declare_capacity": ("POST /capacity/{system}/{partition}", "declare capacity"),
    "plan_maintenance": ("POST /maintenance/{system}/{partition}", "maintenance plan"),
    "cancel_maintenance": ("DELETE /maintenance/{system}/{partition}/{number}", "maintenance cancel"),
    "declare_site": ("POST /sites", "declare site"),
    "declare_factory": ("POST /factories", "declare factory"),
    "declare_system": ("POST /systems", "declare system"),
    "declare_partition": ("POST /systems/{code}/partitions", "declare partition"),
    "declare_availability": ("POST /partitions/{system}/{partition}/availability", "declare availability"),
    "resize_partition": ("POST /partitions/{system}/{partition}/sizes", "declare size"),
    "declare_conversion": ("POST /partitions/{system}/{partition}/conversions", "declare conversion"),
    "declare_price": ("POST /partitions/{system}/{partition}/prices", "declare price"),
    "change_stage": ("POST /systems/{code}/stages", "declare stage"),
    "declare_statement": ("POST /factories/{code}/legal", "declare statement"),
    "declare_link": ("POST /links", "link declare"),
    "add_source": ("POST /harvest/sources", "harvest add"),
    "change_source": ("POST /harvest/sources/{code}", "harvest change"),
    "ask_source": ("POST /harvest/sources/{code}/ask", "harvest ask"),
    "ask_ticket": ("POST /tickets", "ticket ask"),
    "ticket": ("POST /tickets/{number}/messages", "ticket answer"),
    "hand_over_ticket": ("POST /tickets/{number}/hand-over", "ticket hand-over"),
    "close_ticket": ("POST /tickets/{number}/close", "ticket close"),
    "mail_desk": ("PUT /desk/addresses/{factory}", "ticket mail-to"),
    "reopen_ticket": ("POST /tickets/{number}/reopen", "ticket reopen"),
    "register_for_event": ("POST /calendar/events/{code}/registration", "event register"),
    "withdraw_from_event": ("DELETE /calendar/events/{code}/registration", "event withdraw"),
    "renew_calendar": ("POST /calendar/own", "event own-calendar"),
    "plan_event": ("POST /calendar/events", "event plan"),
    "change_event": ("PUT /calendar/events/{code}", "event change"),
    "publish_event": ("POST /calendar/events/{code}/publish", "event publish"),
    "cancel_event": ("POST /calendar/events/{code}/cancel", "event cancel"),
    "discard_event": ("DELETE /calendar/events/{code}", "event discard"),
    "event_participants": ("POST /calendar/events/{code}/attendance", "event attendance"),
    "end_link": ("POST /links/{number}/end", "link end"),
    "by_hand": ("POST /clusters/{code}/by-hand", "cluster choose"),
    "register_cluster": ("POST /clusters", "cluster register"),
    "give_role": ("POST /people/{email}/roles", "role give"),
    "withdraw_role": ("DELETE /people/{email}/roles/{role}", "role withdraw"),
}

# What belongs to a browser: a session, a cookie, and a token, which a token must not be able to make.
OF_THE_BROWSER = {
    "sign_in",
    "sign_in_demo",
    "sign_in_link",
    "sign_out",
    "set_language",
    "make_token",
    "openid_connect",
    "openid_disconnect",
}

# What a list or a page shows -> where the API and the command show it.
LISTS: dict[str, tuple[str, str]] = {
    "factories": ("GET /factories", "factories"),
    "what_can_i_get": ("GET /what-can-i-get", "what-can-i-get"),
    "factory": ("GET /factories/{code}", "factory show"),
    "system": ("GET /systems/{code}", "system show"),
    "legal": ("GET /legal", "legal"),
    "access_mode": ("GET /access-modes/{code}", "access-mode show"),
    "calls": ("GET /calls", "calls"),
    "call": ("GET /calls/{code}", "call show"),
    "applications": ("GET /applications", "applications"),
    "attachment": ("GET /applications/{code}/attachments/{number}", "application attachment"),
    "reviews": ("GET /reviews", "review list"),
    "review": ("GET /reviews/{number}", "review show"),
    "account": ("GET /me", "me show"),
    "projects": ("GET /projects", "projects"),
    "project": ("GET /projects/{code}", "project show"),
    "project_hours": ("GET /projects/{code}/changes", "change list"),
    "project_matches": ("GET /projects/{code}/matches", "project matches"),
    "application_matches": ("GET /applications/{code}/matches", "application matches"),
    "report": ("GET /projects/{code}/report", "report show"),
    "job": ("GET /jobs/{uuid}", "job status"),
    "job_output": ("GET /jobs/{uuid}/output", "job output"),
    "job_task": ("GET /jobs/{uuid}/output", "job output"),
    "job_task_output": ("GET /jobs/{uuid}/output", "job output"),
    "jobs": ("GET /projects/{code}/jobs", "job list"),
    "recipes": ("GET /recipes", "recipe list"),
    "project_recipes": ("GET /recipes", "recipe list"),
    "run_recipe": ("GET /recipes/{code}", "recipe show"),
    "results": ("GET /projects/{code}/results", "result list"),
    "result": ("GET /results/{uuid}", "result show"),
    "transfers": ("GET /projects/{code}/transfers", "transfer list"),
    "transfer": ("GET /transfers/{uuid}", "transfer show"),
    "allocations": ("GET /allocations", "allocations"),
    "allocation": ("GET /allocations/{code}", "statement"),
    "promises": ("GET /promises", "promises"),
    "promise": ("GET /promises/{code}", "promise show"),
    "decision": ("GET /decisions/{code}", "decision show"),
    "decision_problem": ("GET /decisions/{code}/problem", "decision download"),
    "decision_plan": ("GET /decisions/{code}/plan", "decision download"),
    "decisions": ("GET /decisions", "decision list"),
    "call_applications": ("GET /calls/{code}/applications", "call applications"),
    "task": ("GET /tasks/{number}", "call tasks"),
    "scenarios": ("GET /scenarios", "scenario list"),
    "scenario": ("GET /scenarios/{code}", "scenario show"),
    "scenario_now": ("GET /scenarios/{code}", "scenario wait"),
    "scenario_problem": ("GET /scenarios/{code}/problem", "scenario download"),
    "scenario_plan": ("GET /scenarios/{code}/plan", "scenario download"),
    "studies": ("GET /studies", "study list"),
    "study": ("GET /studies/{code}", "study show"),
    "study_now": ("GET /studies/{code}", "study wait"),
    "study_slurm": ("GET /studies/{code}/slurm", "study slurm"),
    "workloads": ("GET /workloads", "study-workload list"),
    "compare_scenarios": ("GET /scenarios/compare", "scenario compare"),
    "inquiry_now": ("GET /scenarios/{code}/prices", "scenario prices"),
    "scenario_why": ("GET /scenarios/{code}/explanations/{application}", "scenario explain"),
    "application": ("GET /applications/{code}/explanation", "application explain"),
    "judge_application": ("GET /applications/{code}/judgement", "application show"),
    "assessments": ("GET /assessments", "assessments"),
    "call_queue": ("GET /calls/{code}/queue", "queue show"),
    "offer_again": ("GET /calls/{code}/offer", "offer show"),
    "returns": ("GET /returns", "return list"),
    "change": ("GET /changes", "change list"),
    "objections": ("GET /objections", "objection list"),
    "programmes": ("GET /programmes", "programme list"),
    "links": ("GET /links", "link list"),
    "operations": ("GET /clusters", "cluster list"),
    "usage_batches": ("GET /usage-batches", "cluster usage"),
    "access_time": ("GET /reports/access-time", "report access-time"),
    "free_use": ("GET /reports/free-use", "report free-use"),
    "hosting_report": ("GET /reports/hosting/{system}", "report hosting"),
    "usage_proofs": ("GET /usage-proofs", "usage prove"),
    "usage_proof": ("GET /usage-proofs/{number}", "usage proof"),
    "harvest_sources": ("GET /harvest/sources", "harvest sources"),
    "harvest_source": ("GET /harvest/sources/{code}/runs", "harvest runs"),
    "harvest_run": ("GET /harvest/runs/{uuid}/remarks", "harvest remarks"),
    "waiting_jobs": ("GET /jobs", "cluster jobs"),
    "my_tickets": ("GET /tickets", "ticket list"),
    "desk_addresses": ("GET /desk/addresses", "ticket addresses"),
    "tickets_desk": ("GET /desk/tickets", "ticket list"),
    "ticket": ("GET /tickets/{number}/messages", "ticket show"),
    "events": ("GET /calendar/events", "event list"),
    "events_month": ("GET /calendar/events", "event list"),
    "event": ("GET /calendar/events/{code}", "event show"),
    "my_events": ("GET /calendar/registrations", "event mine"),
    "events_calendar": ("GET /calendar/feed", "event calendar"),
    "event_calendar": ("GET /calendar/events/{code}/ics", "event calendar"),
    "events_desk": ("GET /calendar/desk/events", "event desk"),
    "event_participants": ("GET /calendar/events/{code}/participants", "event participants"),
    "catalogue": ("GET /catalogue/entries", "catalogue list"),
    "saved_searches": ("GET /catalogue/searches", "catalogue searches"),
    "saved_search": ("GET /catalogue/searches/{number}/news", "catalogue news"),
    "my_profiles": ("GET /me/profiles", "profile list"),
    "my_catalogue_data": ("GET /me/catalogue-data", "profile data"),
    "profile": ("GET /catalogue/profiles/{code}/consents", "profile consents"),
    "letters": ("GET /catalogue/profiles/{code}/letters", "profile letters"),
    "looks": ("GET /catalogue/profiles/{code}/looks", "profile looks"),
    "ventures": ("GET /catalogue/ventures", "catalogue ventures"),
    "my_entries": ("GET /catalogue/entries", "catalogue list"),
    "curate": ("GET /catalogue/entries", "catalogue list"),
    "curate_entry": ("GET /catalogue/entries/{code}", "catalogue show"),
    "entry": ("GET /catalogue/entries/{code}", "catalogue show"),
    "entry_version": ("GET /catalogue/entries/{code}/versions/{number}", "catalogue version"),
    "entry_file": ("GET /catalogue/entries/{code}/files/{sha256}", "catalogue download"),
    "people": ("GET /people", "people"),
    "person": ("GET /people", "people"),
    "audit": ("GET /events", "events"),
    "ledger_check": ("GET /ledger/check", "ledger check"),
}

# What a browser alone reads, each with its reason.
ONLY_READ_HERE = {
    "home": "figures that the lists of factories, calls and promises give",
    "accessibility": "words",
    "about_demo": "words",
    "openid_start": "the way to a provider and back, by cookies",
    "openid_back": "the way to a provider and back, by cookies",
    "use_entry": "leads to the forms of recipes, whose runs take the same answers as parameters",
    "own_calendar": "for calendars, which send no token: its address is the secret",
    "shares_total": "adds up a table while it is typed",
    "weigh_floors": "adds up sliders while they move",
}

# Pages that only ask what their verb takes: whoever asks the API or the command says it at once.
FORMS = {
    "start_application",
    "join_organisation",
    "new_entry",
    "edit_entry",
    "retire_entry",
    "erase_profile",
    "write_to_profile",
    "hide_profile",
    "save_search",
    "change_search",
    "forget_search",
    "publish_entry",
    "send_back_entry",
    "ask_transfer",
    "application_step",
    "submit_job",
    "publish_decision",
    "discard_decision",
    "initial_decision",
    "send_back_decision",
    "what_if",
    "choose_scenario",
    "ask_study",
    "delete_study",
    "send_workload",
    "record_workload",
    "delete_workload",
    "open_call",
    "close_call",
    "decide_queue",
    "assessment",
    "answer_objection",
    "establish_shares",
    "reallocate",
    "undo_reallocation",
    "establish_programme",
    "rename_programme",
    "set_sign_off",
    "make_promise",
    "end_promise",
    "declare_capacity",
    "declare_conversion",
    "declare_price",
    "change_stage",
    "add_source",
    "change_source",
    "ask_source",
    "ask_ticket",
    "hand_over_ticket",
    "close_ticket",
    "reopen_ticket",
    "mail_desk",
    "withdraw_from_event",
    "plan_event",
    "change_event",
    "publish_event",
    "cancel_event",
    "discard_event",
    "declare_statement",
    "plan_maintenance",
    "cancel_maintenance",
    "declare_site",
    "declare_factory",
    "declare_system",
    "declare_partition",
    "declare_availability",
    "resize_partition",
    "declare_link",
    "end_link",
    "register_cluster",
    "by_hand",
    "withdraw_role",
}


def pages_that_take(method: str) -> set[str]:
    pages: list[Any] = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]
    return {page.name for page in pages if method in page.callback.methods}


def routes() -> set[str]:
    paths = api.get_openapi_schema()["paths"]
    return {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, methods in paths.items() for method in methods}


def command_of(words: str) -> Any:
    command: Any = typer.main.get_command(app)
    for word in words.split():
        command = getattr(command, "commands", {}).get(word)
    return command


def test_every_verb_of_a_page_has_its_route_and_its_command() -> None:
    assert pages_that_take("POST") - OF_THE_BROWSER == VERBS.keys()


def test_what_every_page_shows_the_api_and_the_command_show() -> None:
    """All pages that are read are in one table: with a route and a command, or with the reason why not."""
    read = pages_that_take("GET") - OF_THE_BROWSER
    told = LISTS.keys() | ONLY_READ_HERE.keys() | FORMS
    assert read == told, read ^ told
    assert VERBS.keys() >= FORMS, "a form belongs to a verb"
    assert not LISTS.keys() & (ONLY_READ_HERE.keys() | FORMS)


@pytest.mark.parametrize(("page", "where"), [*VERBS.items(), *LISTS.items()])
def test_the_route_and_the_command_are_there(page: str, where: tuple[str, str]) -> None:
    route, words = where
    assert page in {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    assert route in routes(), f"{page}: the API has no {route}"
    command = command_of(words)
    assert command is not None, f"{page}: there is no `fabriek {words}`"
    assert not hasattr(command, "commands"), f"{page}: `fabriek {words}` does nothing by itself"


def every_command(command: Any, words: str = "fabriek") -> dict[str, Any]:
    if not hasattr(command, "commands"):
        return {words: command}
    return {
        name: found
        for word, under in command.commands.items()
        for name, found in every_command(under, f"{words} {word}").items()
    }


# What serves for ever or shows its progress, and the pure tools whose output is a file that the formats describe.
WITHOUT_JSON = {
    "fabriek demo",
    "fabriek serve",
    "fabriek migrate",
    "fabriek agent",
    "fabriek allocate",
}


def test_every_command_prints_json_where_it_prints_an_answer() -> None:
    lacking = {
        words
        for words, command in every_command(typer.main.get_command(app)).items()
        if not any("--json" in option.opts for option in command.params)
    }
    assert lacking <= WITHOUT_JSON, lacking - WITHOUT_JSON


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("fabriek ", "share"),
        ("fabriek share ", "undo"),
        ("fabriek link d", "declare"),
        ("fabriek share undo --", "--why"),
    ],
)
def test_a_shell_completes_verbs_and_options(typed: str, completed: str) -> None:
    """As bash asks: with the words so far, and the number of the word that is being typed."""
    asked = {
        "_FABRIEK_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    answer = CliRunner().invoke(app, [], env=asked, prog_name="fabriek")
    assert completed in answer.output.split(), answer.output


def test_what_a_list_is_of_comes_in_pages_where_it_grows() -> None:
    """Lists that grow with use are paged; those that stay small (calls that are open, sites, programmes) come whole."""
    paths = api.get_openapi_schema()["paths"]
    for path in (
        "/applications",
        "/allocations",
        "/catalogue/entries",
        "/catalogue/entries/{code}/versions",
        "/catalogue/profiles/{code}/letters",
        "/catalogue/profiles/{code}/looks",
        "/catalogue/searches",
        "/catalogue/ventures",
        "/catalogue/searches/{number}/news",
        "/calls/{code}/applications",
        "/calls/{code}/tasks",
        "/events",
        "/factories",
        "/jobs",
        "/me/profiles",
        "/people",
        "/projects",
        "/projects/{code}/jobs",
        "/projects/{code}/results",
        "/recipes",
        "/projects/{code}/transfers",
        "/reallocations",
        "/systems",
        "/calendar/desk/events",
        "/calendar/events",
        "/calendar/events/{code}/participants",
        "/calendar/registrations",
        "/tickets",
        "/tickets/{number}/messages",
        "/desk/addresses",
        "/desk/tickets",
        "/usage-batches",
        "/usage-proofs",
    ):
        parameters = {one["name"] for one in paths[f"/api/v1{path}"]["get"]["parameters"]}
        assert {"page", "per_page"} <= parameters, path


def test_the_rooms_decide_and_the_doors_only_call() -> None:
    """A door that writes by itself would be a verb that the other door lacks."""
    for found in pkgutil.iter_modules(routes_package.__path__):
        module = importlib.import_module(f"{routes_package.__name__}.{found.name}")
        text = inspect.getsource(module)
        for write in (".save(", ".create(", ".delete()", ".update("):
            assert write not in text, f"{module.__name__} writes by itself: {write}"
