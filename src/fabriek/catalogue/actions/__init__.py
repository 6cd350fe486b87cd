"""Verbs of the catalogue: the only place that writes entries."""

from fabriek.catalogue.actions.entries import (
    ask_to_publish,
    begin_entry,
    draft_entry,
    edit_entry,
    publish_entry,
    retire_entry,
    send_back,
)
from fabriek.catalogue.actions.from_results import draft_from_result
from fabriek.catalogue.actions.saved_searches import forget_search, look_for_news, mail_news, save_search, see_news
from fabriek.catalogue.actions.taking_in import Taken, retire_gone, take_in
from fabriek.catalogue.actions.uploading import upload_file

__all__ = [
    "Taken",
    "ask_to_publish",
    "begin_entry",
    "draft_entry",
    "draft_from_result",
    "edit_entry",
    "forget_search",
    "look_for_news",
    "mail_news",
    "publish_entry",
    "retire_entry",
    "retire_gone",
    "save_search",
    "see_news",
    "send_back",
    "take_in",
    "upload_file",
]
