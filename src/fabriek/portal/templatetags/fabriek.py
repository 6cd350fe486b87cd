"""The portal's vocabulary in templates; a builtin, so no ``{% load %}`` is needed.

Each component has one template in ``templates/components``; the tags here give it typed parameters, so that a
misspelt one is an error and not a silently empty page. Shown together on the style guide page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import forms, template
from django.core.paginator import Page
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fabriek.conf.amounts import month_text, number_text, points_text
from fabriek.operations.difference_words import label_of, value_of
from fabriek.operations.speeds import Measured
from fabriek.portal.components import amounts
from fabriek.portal.components.assets import asset_url
from fabriek.portal.components.countries import country_name
from fabriek.portal.components.drawings import Drawing
from fabriek.portal.components.plots import Column, Figure, Map
from fabriek.portal.components.questions import Question, question_of, summary_of
from fabriek.portal.components.reference_texts import reference_text
from fabriek.portal.components.states import look_of
from fabriek.portal.components.transfer_lines import gigabits_text

register = template.Library()


def _component(name: str, **parameters: Any) -> SafeString:
    return render_to_string(f"components/{name}.html", parameters)


# Assets -------------------------------------------------------------------------------------------


@register.simple_tag
def asset(name: str) -> str:
    """The address of a built file: ``{% asset "portal.css" %}``."""
    return asset_url(name)


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """An icon of assets/icons.json. Decoration, unless it has a ``label``. ``size="lg"`` is 24 px."""
    css = "icon icon--lg" if size == "lg" else "icon"
    target = f"{asset_url('icons.svg')}#{name}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', css, label, target)
    return format_html('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}"/></svg>', css, target)


# Amounts, times, states ---------------------------------------------------------------------------


def _hours(seconds: int | None, unit: str, kind: str) -> SafeString:
    if seconds is None:
        return format_html('<span class="quiet">{}</span>', _("not known"))
    return _hours_in(get_language() or "", int(seconds), unit, kind)


@lru_cache(maxsize=8_192)
def _hours_in(language: str, seconds: int, unit: str, kind: str) -> SafeString:
    """Remembered: a list shows a hundred amounts, mostly those of the last time, and formatting one takes 40 µs."""
    del language
    text, exact = amounts.hours_text(seconds), amounts.exact_text(seconds, kind)
    words = {"accelerator": _("GPU-hours"), "core": _("core-hours")}[kind]
    after = format_html(' <span class="unit">{}</span>', words) if unit else ""
    return format_html('<data class="amount" value="{}" title="{}">{}{}</data>', seconds, exact, text, after)


@register.filter
def gpu_hours(seconds: int | None, unit: str = "") -> SafeString:
    """Accelerator-seconds as GPU-hours, the exact amount on hover; ``|gpu_hours:"unit"`` adds the word."""
    return _hours(seconds, unit, "accelerator")


@register.filter
def core_hours(seconds: int | None, unit: str = "") -> SafeString:
    """Core-seconds as core-hours; see ``gpu_hours``."""
    return _hours(seconds, unit, "core")


@register.filter
def hours_in(seconds: int | None, unit: str) -> SafeString:
    """Seconds of a unit of the ledger as hours of it: ``{{ used|hours_in:unit }}``."""
    return _hours(seconds, "", "core" if unit == "core-seconds" else "accelerator")


@register.filter
def gigabits(measured: Measured) -> str:
    """A measured speed in gigabits a second."""
    return gigabits_text(measured)


@register.filter
def percent(ratio: Any, decimals: int | None = None) -> str:
    """A ratio as a percentage: ``0.2|percent`` is 20%; one decimal where needed, or as many as asked."""
    return "" if ratio is None else amounts.percent_text(ratio, decimals)


@register.filter
def number(value: Any, decimals: int | None = None) -> str:
    """A number with the reader's separators: 1,234.5."""
    return "" if value is None else number_text(value, decimals)


@register.filter
def told(value: str | None) -> str:
    """A text that the platform stores, in the reader's language where it comes from the reference data."""
    return reference_text(value or "")


@register.filter
def points(value: Any) -> str:
    """A score as every page and sentence tells it."""
    return "" if value is None else points_text(value)


@register.filter
def when(value: date | datetime | None, style: str = "") -> SafeString:
    """A date or moment as <time>; moments become the reader's zone.

    ``|when:"date"`` and ``"time"`` show a part, ``"seconds"`` a moment to the second.
    """
    if value is None:
        return mark_safe("")
    return _when_in(get_language() or "", value, style)


@lru_cache(maxsize=8_192)
def _when_in(language: str, value: date | datetime, style: str) -> SafeString:
    del language
    shown = (style or "datetime") if isinstance(value, datetime) else ""
    text, iso = amounts.moment_text(value, style), amounts.iso_text(value)
    if shown:
        return format_html('<time class="nowrap" datetime="{}" data-when="{}">{}</time>', iso, shown, text)
    return format_html('<time class="nowrap" datetime="{}">{}</time>', iso, text)


@register.filter
def weekday_and_date(value: date | datetime) -> str:
    """Fri 20 Nov 2026."""
    return amounts.weekday_text(value)


@register.filter
def rough_date(text: str) -> str:
    """``"2026"``, ``"2026-08"`` or ``"2026-08-31"`` as a reader writes it."""
    return amounts.rough_date_text(text)


@register.filter
def lasting(value: timedelta) -> str:
    """How long something took: 45 seconds, 12 minutes 5 seconds, 3 hours 20 minutes."""
    return amounts.lasting_text(value)


@register.filter
def month(value: Any) -> str:
    """``"2026-11"`` or a date as November 2026."""
    return month_text(value) if value else ""


@register.filter
def country(code: str) -> str:
    """A country's code (ISO 3166-1 alpha-2) as its name in the reader's language."""
    return country_name(code) if code else ""


@register.filter
def countries(codes: Iterable[str]) -> str:
    """Countries' names between commas."""
    return ", ".join(country_name(code) for code in codes)


@register.filter
def state_tag(state: Any, label: str = "") -> SafeString:
    """A state as a tag with words, colour and shape.

    ``label`` (get_state_display) replaces the usual words.
    """
    look = look_of(state)
    return format_html(
        '<span class="ds-tag state" data-color="{}" data-shape="{}">{}</span>',
        look.color,
        look.shape,
        label or look.label,
    )


@register.filter
def differing(what: str) -> str:
    """The name of something that differs between an award and what a site enforces."""
    return label_of(what)


@register.simple_tag
def difference_value(what: str, value: str) -> str:
    """A value of it, in the reader's words."""
    return value_of(what, value)


# Frame --------------------------------------------------------------------------------------------


@register.simple_block_tag
def breadcrumbs(content: str) -> SafeString:
    """The way back up: ``{% crumb %}`` lines."""
    return _component("breadcrumbs", content=content)


@register.simple_tag
def crumb(label: str, url: str = "") -> SafeString:
    """One step of the breadcrumbs; without a url it is the page itself."""
    if url:
        return format_html('<li><a href="{}">{}</a></li>', url, label)
    return format_html('<li><span aria-current="page">{}</span></li>', label)


@register.simple_block_tag
def tabs(content: str, label: str) -> SafeString:
    """Links between pages of one thing; ``label`` names the navigation for screen readers."""
    return _component("tabs", content=content, label=label)


@register.inclusion_tag("components/tab.html")
def tab(label: str, url: str, current: bool = False, count: int | None = None) -> dict[str, Any]:
    """One tab."""
    return {"label": label, "url": url, "current": current, "count": count}


# Content ------------------------------------------------------------------------------------------

_CALLOUT_ICONS = {
    "info": "info",
    "success": "circle-check",
    "warning": "triangle-alert",
    "danger": "circle-alert",
    "neutral": "info",
}


@register.simple_block_tag
def callout(content: str, kind: str = "info", title: str = "", live: bool = False) -> SafeString:
    """Something to notice.

    ``kind``: info, success, warning, danger, neutral. ``live`` says it aloud when it appears.
    """
    return _component("callout", content=content, kind=kind, title=title, live=live, icon_name=_CALLOUT_ICONS[kind])


@register.simple_block_tag
def card(content: str, title: str = "", url: str = "", meta: str = "", foot: str = "", level: int = 3) -> SafeString:
    """A thing among its like; with ``url`` the whole card leads there. ``level`` is the heading's."""
    return _component("card", content=content, title=title, url=url, meta=meta, foot=foot, level=level)


@register.simple_block_tag
def stats(content: str) -> SafeString:
    """A row of figures: ``{% stat %}`` lines."""
    return _component("stats", content=content)


@register.inclusion_tag("components/stat.html")
def stat(label: str, value: Any, unit: str = "", detail: str = "", tone: str = "", url: str = "") -> dict[str, Any]:
    """One figure with its name.

    ``tone``: success, warning, danger; ``url`` leads to the numbers behind it.
    """
    return {"label": label, "value": value, "unit": unit, "detail": detail, "tone": tone, "url": url}


@register.simple_block_tag
def facts(content: str) -> SafeString:
    """A list of facts: ``{% fact %}`` lines."""
    return _component("facts", content=content)


@register.inclusion_tag("components/fact.html")
def fact(
    label: str,
    value: Any = None,
    source: str = "",
    source_url: str = "",
    confidence: str = "",
    note: str = "",
    url: str = "",
    sources: Any = (),
) -> dict[str, Any]:
    """A fact with its origin. ``sources``: those that the page tells, as (code, text); the origin leads to its own.

    A value of None or "" is shown as not known, and has no origin then. ``confidence``: high, medium, low. ``url``:
    where the value itself leads.
    """
    return {
        "label": label,
        "value": when(value) if isinstance(value, date) else value,
        "url": url,
        "known": value is not None and value != "",
        "note": note,
        **origin_of(source, source_url or _where_told(source, sources), confidence),
    }


@register.inclusion_tag("components/origin.html")
def origin(source: str, confidence: str = "", sources: Any = ()) -> dict[str, str]:
    """Where something is from and how sure it is. ``sources``: those that the page tells, as (code, text)."""
    return origin_of(source, _where_told(source, sources), confidence)


def _where_told(source: str, sources: Any) -> str:
    """Where on the page a source is told. Empty: nowhere, it says itself in words what it is."""
    told = {code for code, _text in sources or ()}
    return f"#source-{source}" if source in told else ""


def origin_of(source: str, source_url: str, confidence: str) -> dict[str, str]:
    """What ``components/origin.html`` shows."""
    level = str(getattr(confidence, "value", confidence) or "")
    words = {"high": _("High confidence"), "medium": _("Medium confidence"), "low": _("Low confidence")}
    return {
        "source": reference_text(source),
        "source_url": source_url,
        "level": level,
        "confidence": words.get(level, ""),
    }


@register.simple_block_tag
def task_list(content: str) -> SafeString:
    """What is to be done: ``{% task %}`` lines."""
    return _component("task_list", content=content)


@register.inclusion_tag("components/task.html")
def task(title: str, url: str = "", state: str = "to_do", hint: str = "", label: str = "") -> dict[str, Any]:
    """A task with its state: to_do, incomplete, done, cannot_start (then give no url), or any other state."""
    return {"title": title, "url": url, "state": state, "hint": hint, "label": label}


@register.inclusion_tag("components/steps.html")
def steps(steps: Iterable[Mapping[str, Any]], current: int) -> dict[str, Any]:
    """Where one is in a form of several pages.

    ``steps``: mappings with label and url; ``current`` counts from 1.
    """
    made = [
        {**step, "state": "done" if at < current else "current" if at == current else "next"}
        for at, step in enumerate(steps, start=1)
    ]
    return {"steps": made, "current": current, "total": len(made), "here": made[current - 1]["label"]}


@register.inclusion_tag("components/clock.html")
def clock(
    due: date | datetime | None,
    days_left: int | None = None,
    label: str = "",
    answered: date | datetime | None = None,
    inline: bool = False,
) -> dict[str, Any]:
    """Until when: "Answer by Wed 25 Nov 2026, 2 working days left"; ``days_left`` may be negative (late)."""
    if answered:
        color = "success"
    elif days_left is None:
        color = "neutral"
    else:
        color = "danger" if days_left < 0 else "warning" if days_left <= 2 else "info"
    return {
        "due": due,
        "days_left": days_left,
        "late": -days_left if days_left is not None and days_left < 0 else None,
        "label": label or _("Answer by"),
        "answered": answered,
        "inline": inline,
        "color": color,
    }


@register.inclusion_tag("components/progress.html")
def progress(
    value: int | float, maximum: int | float, label: str, detail: str = "", tone: str = "accent"
) -> dict[str, Any]:
    """How much of something is used; ``tone`` is a colour of the theme."""
    return {"value": value, "maximum": maximum or 1, "label": label, "detail": detail, "tone": tone}


@register.inclusion_tag("components/promise_bar.html")
def promise_bar(
    required: Any,
    decided: Any = None,
    queued: Any = None,
    used: Any = None,
    maximum: Any = None,
    label: str = "",
    cap: bool = False,
) -> dict[str, Any]:
    """A promise at its three moments, as ratios (0.2 is 20%), and a mark at what is required (or allowed.

    ``cap``).
    """
    measures = [
        ("decided", _("Decided"), decided),
        ("queued", _("Queued"), queued),
        ("used", _("Used"), used),
    ]
    numbers = [float(value) for value in (required, decided, queued, used) if value is not None]
    top = float(maximum) if maximum is not None else max([*numbers, 0.0001]) * 1.15
    bars = [
        {
            "name": name,
            "label": words,
            "value": value,
            "width": f"{min(float(value or 0) / top, 1) * 100:.3f}%",
            "y": 2 + at * 17,
        }
        for at, (name, words, value) in enumerate(measures)
    ]
    return {
        "bars": bars,
        "required": required,
        "mark": f"{min(float(required) / top, 1) * 100:.3f}%",
        "label": label,
        "cap": cap,
    }


@register.simple_block_tag
def timeline(content: str) -> SafeString:
    """What happened, newest first: ``{% event %}`` blocks."""
    return _component("timeline", content=content)


@register.simple_block_tag
def event(
    content: str, title: str, moment: date | datetime | None = None, actor: str = "", current: bool = False
) -> SafeString:
    """One thing that happened: a sentence, when, by whom, and inside the block what more there is to say."""
    # Stripped text is no longer known to be safe, and what the block holds is rendered already.
    written = mark_safe(content.strip())  # noqa: S308
    return _component("event", content=written, title=title, moment=moment, actor=actor, current=current)


@register.simple_block_tag
def empty_state(content: str, title: str, icon: str = "inbox") -> SafeString:
    """Nothing here yet: why, and what to do about it (links and buttons inside the block)."""
    return _component("empty_state", content=content, title=title, icon_name=icon)


@register.simple_block_tag
def disclosure(content: str, title: str, opened: bool = False) -> SafeString:
    """More, for those who ask for it."""
    return _component("disclosure", content=content, title=title, opened=opened)


# Tables -------------------------------------------------------------------------------------------


@register.simple_block_tag(takes_context=True)
def data_table(
    context: template.Context,
    content: str,
    caption: str,
    page: Page[Any] | None = None,
    csv: str = "",
    dense: bool = False,
    records: bool = False,
    show_caption: bool = True,
) -> SafeString:
    """A table that scrolls by itself; inside: <thead>, <tbody>. ``page`` adds page links, ``csv`` a download.

    ``records`` turns rows into records on a phone: give each <td> a data-label. A download that is a query of the
    same page (``?format=csv``) keeps what is searched for and the order.
    """
    request = context.get("request")
    if csv.startswith("?") and request:
        query = request.GET.copy()
        query.pop("page", None)
        for name, values in QueryDict(csv[1:]).lists():
            query.setlist(name, values)
        csv = f"?{query.urlencode()}"
    return render_to_string(
        "components/data_table.html",
        {
            "content": content,
            "caption": caption,
            "page": page,
            "csv": csv,
            "dense": dense,
            "records": records,
            "show_caption": show_caption,
            "request": request,
        },
    )


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(
    context: template.Context,
    key: str,
    label: str,
    numeric: bool = False,
    default: str = "",
    parameter: str = "sort",
    anchor: str = "",
    wide: bool = False,
) -> dict[str, Any]:
    """A column's header that sorts by ``?sort=key`` or ``-key``: the only way in which our lists are sorted.

    ``default`` is the order without a parameter. ``anchor`` is the id of the table's section, where it isn't at the top
    of its page; ``parameter`` tells two tables of one page apart. The room's query has the columns (`conf.sorting`).
    """
    request = context.get("request")
    query = request.GET.copy() if request else None
    now = (query.get(parameter) if query is not None else None) or default
    sort = "ascending" if now == key else "descending" if now == f"-{key}" else ""
    # Numbers are mostly wanted from high to low first.
    following = f"-{key}" if sort == "ascending" or (not sort and numeric) else key
    url = f"?{parameter}={following}"
    if query is not None:
        query.pop("page", None)
        query[parameter] = following
        url = f"?{query.urlencode()}"
    if anchor:
        url += f"#{anchor}"
    return {"label": label, "numeric": numeric, "sort": sort, "url": url, "wide": wide}


@register.simple_tag(takes_context=True)
def keep(context: template.Context, *parameters: str) -> SafeString:
    """Hidden fields for a search form, so that another search keeps the order and what the list is narrowed to."""
    request = context.get("request")
    kept = [(name, value) for name in parameters for value in request.GET.getlist(name)] if request else []
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', kept)


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.Context, page: Page[Any]) -> dict[str, Any]:
    """Links to a Paginator's pages, keeping the other query parameters."""
    request = context.get("request")
    query = request.GET.copy() if request else None

    def url(at: int) -> str:
        if query is None:
            return f"?page={at}"
        query["page"] = str(at)
        return f"?{query.urlencode()}"

    paginator = page.paginator
    numbers: list[dict[str, Any]] = []
    if paginator.num_pages > 1:
        for at in paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1):
            link = url(at) if isinstance(at, int) else ""
            numbers.append({"number": at, "url": link, "current": at == page.number})
    return {
        "page": page,
        "numbers": numbers,
        "previous": url(page.previous_page_number()) if page.has_previous() else "",
        "next": url(page.next_page_number()) if page.has_next() else "",
    }


@register.simple_tag
def export_link(url: str, label: str = "") -> SafeString:
    """A link that downloads the data behind what is shown."""
    return format_html('<a href="{}" download>{} {}</a>', url, icon("download"), label or _("Download CSV"))


# Forms --------------------------------------------------------------------------------------------


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: forms.BaseForm) -> dict[str, Any]:
    """What is wrong, at the top, each line a link to its field. Nothing when nothing is wrong."""
    return {"errors": summary_of(form) if form.is_bound else []}


@register.inclusion_tag("components/question.html")
def question(
    bound: BoundField,
    label: str = "",
    hint: str = "",
    unit: str = "",
    prefix: str = "",
    width: str = "",
    hints: Mapping[str, str] | None = None,
    page_heading: bool = False,
    plain: bool = False,
    inline: bool = False,
    hide_optional: bool = False,
) -> dict[str, Any]:
    """A form's field as a question: its kind follows its widget.

    ``unit`` and ``prefix`` stand beside a number; ``width``: xs, sm, md, lg; ``hints``: choices' hints by
    value; ``page_heading`` makes the label the page's h1 (one thing per page); ``plain`` a small label;
    ``inline`` sets choices side by side; ``hide_optional`` leaves out "(optional)", for filters.
    """
    made: Question = question_of(bound, hint=hint, width=width, hints=hints)
    return {
        "question": made,
        "field": bound,
        "label": label or bound.label,
        "unit": unit,
        "prefix": prefix,
        "page_heading": page_heading,
        "plain": plain,
        "inline": inline,
        "optional": not bound.field.required and not hide_optional and made.kind != "checkbox",
    }


@register.simple_block_tag(takes_context=True)
def confirm(
    context: template.Context,
    content: str,
    id: str,
    title: str,
    url: str,
    button: str,
    page_url: str = "",
    submit: str = "",
    tone: str = "accent",
    variant: str = "",
    form_id: str = "",
) -> SafeString:
    """A button that asks first: a <dialog> with ``title`` and the block; its form posts to ``url``.

    Without JavaScript the button leads to ``page_url`` (default ``url``), a page that asks the same.
    ``tone="danger"`` for what can't be undone; ``variant`` is the button's (secondary, tertiary). ``form_id`` names its
    form, for fields elsewhere on the page that belong to it.
    """
    return render_to_string(
        "components/confirm.html",
        {
            "content": content,
            "id": id,
            "title": title,
            "url": url,
            "page_url": page_url or url,
            "button": button,
            "submit": submit or button,
            "tone": tone,
            "variant": variant,
            "form_id": form_id,
            "csrf_token": context.get("csrf_token"),
        },
    )


# Plots --------------------------------------------------------------------------------------------


def _cell(value: Any, column: Column) -> str | SafeString:
    """A value as it stands in the table beside a plot."""
    if value is None:
        return format_html('<span class="quiet">{}</span>', "–")
    match column.kind:
        case "gpu_hours":
            return gpu_hours(value)
        case "core_hours":
            return core_hours(value)
        case "percent":
            return percent(value)
        case "month":
            return month(value)
        case "date":
            return when(value) if isinstance(value, date) else str(value)
        case "number":
            return number(value)
        case _:
            return str(value)


def _block(data: Mapping[str, Any]) -> SafeString:
    """JSON in a <script type="application/json">: data, which a strict policy lets be."""
    return json_script(data)


@register.inclusion_tag("components/figure.html")
def figure(figure: Figure, level: int = 3) -> dict[str, Any]:
    """A plot with its caption, its table (without JavaScript too) and its download, if it has one."""
    return {
        "figure": figure,
        "json": _block(figure.data),
        "level": level,
        "rows": _cells(figure),
    }


@register.inclusion_tag("components/drawing.html")
def drawing(drawing: Drawing, level: int = 3) -> dict[str, Any]:
    """A plot that the server drew, with its caption, its table and its download, if it has one."""
    return {"drawing": drawing, "level": level, "rows": _cells(drawing)}


def _cells(shown: Figure | Drawing) -> list[list[tuple[Column, str | SafeString]]]:
    return [[(column, _cell(row.get(column.key), column)) for column in shown.columns] for row in shown.rows]


@register.inclusion_tag("components/map.html")
def map_figure(map: Map) -> dict[str, Any]:
    """A map of places, each a link; without JavaScript the same places as a list."""
    return {"map": map, "json": _block(map.data)}
