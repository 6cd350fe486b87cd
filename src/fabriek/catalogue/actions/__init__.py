"""Verbs of the catalogue: the only place that writes entries."""

from fabriek.catalogue.actions.entries import (
    ask_to_publish,
    begin_entry,
    begin_profile,
    draft_entry,
    edit_entry,
    publish_entry,
    retire_entry,
    send_back,
)
from fabriek.catalogue.actions.from_results import draft_from_result
from fabriek.catalogue.actions.letters import write_to
from fabriek.catalogue.actions.looks import count_visitor, look
from fabriek.catalogue.actions.profiles import agree, ask_again, erase_profile, hide_profile, lift_profile
from fabriek.catalogue.actions.saved_searches import (
    change_search,
    forget_search,
    look_for_news,
    mail_news,
    save_search,
    see_news,
)
from fabriek.catalogue.actions.taking_in import Taken, retire_gone, take_in
from fabriek.catalogue.actions.uploading import upload_file

__all__ = [
    "Taken",
    "agree",
    "ask_again",
    "ask_to_publish",
    "begin_entry",
    "begin_profile",
    "change_search",
    "count_visitor",
    "draft_entry",
    "draft_from_result",
    "edit_entry",
    "erase_profile",
    "forget_search",
    "hide_profile",
    "lift_profile",
    "look",
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
    "write_to",
]
