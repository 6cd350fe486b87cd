"""Why a transfer could not be made, in sentences with what a member can do: where the agents' codes become words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fabriek.operations.models import Transfer

Text = str | Promise


@dataclass(frozen=True)
class Trouble:
    """What is the matter at which site, what can be done, and what the site's own command said."""

    sentence: Text
    advice: Text
    place: str
    detail: str


_AGAIN = _("Try it again: it goes on from what was copied.")
_SITE = _("Only the sites' operators can change this. Show them what the command said.")
_PATH = _("Give the path again, relative to the project's folder.")

_WORDS: dict[str, tuple[Text, Text]] = {
    "missing": (_("There is nothing of this name there."), _("Look at the spelling: case counts.")),
    "outside": (
        _("The path leaves the project's folder, or goes through a symbolic link."),
        _("Give the real path, relative to the project's folder."),
    ),
    "not-files": (_("It is neither a file nor a folder."), _PATH),
    "exists": (
        _("Something of this name is there already, and nothing was written over."),
        _("Move it away there, or ask again and say that files may be replaced."),
    ),
    "no-folder": (_("The project has no folder there."), _SITE),
    "no-user": (_("You have no account there under which it could be done."), _SITE),
    "denied": (
        _("Something may not be read or written by your account there."),
        _("Look at the permissions of what the command names, then try it again."),
    ),
    "no-room": (
        _("There isn't enough room."),
        _("Make room there, or ask for more storage, then try it again: it goes on from what was copied."),
    ),
    "changed": (
        _("Something changed while it was being copied."),
        _("Wait until nothing writes there any more, then try it again."),
    ),
    "changed-since": (
        _("The original changed after its checksums were compared, so it was not removed. The copy is complete."),
        _("Try it again to copy what changed, and to remove the original then."),
    ),
    "unchecked": (
        _("The site lost its note of what was checked, so the original was not removed. The copy is complete."),
        _AGAIN,
    ),
    "differs": (
        _("The checksums of the two sites differ: what arrived is not what was there."),
        _("Try it again: every file is then compared by its content, and what differs is copied anew."),
    ),
    "unreachable": (_("The other site could not be reached, also not after several tries."), _AGAIN),
    "silent": (_("The other site did not answer any more, also not after several tries."), _AGAIN),
    "interrupted": (_("The copying was cut short, also after several tries."), _AGAIN),
    "leftover": (
        _("An earlier copying of the same can't be stopped there."),
        _("Try it again in some minutes. If that doesn't help, the site's operators can stop it."),
    ),
    "host-key": (
        _("The other site's machine is not the one that this site knows, so nothing was sent to it."),
        _SITE,
    ),
    "key-refused": (_("The other site does not let this site in."), _SITE),
    "not-allowed": (_("The other site lets this site in, but not for this."), _SITE),
    "no-rsync": (_("rsync is not installed there."), _SITE),
    "no-way": (_("The sites are no longer set up to copy to each other."), _SITE),
    "failed": (_("The copying failed for a reason that is not known here."), _SITE),
}
_PASSING: dict[str, Text] = {
    "unreachable": _("The other site can't be reached now. It is tried again by itself."),
    "silent": _("The other site does not answer now. It is tried again by itself."),
    "interrupted": _("The copying was cut short. It is tried again by itself."),
}


def trouble_of(transfer: Transfer) -> Trouble | None:
    """What is the matter with a transfer; None: nothing."""
    if not transfer.error:
        return None
    place = transfer.error_at.site.name if transfer.error_at else ""
    passing = _PASSING.get(transfer.error)
    if passing and transfer.state != "failed":
        return Trouble(passing, "", place, transfer.error_detail)
    sentence, advice = _WORDS.get(transfer.error, _WORDS["failed"])
    return Trouble(sentence, advice, place, transfer.error_detail)


CODES = frozenset(_WORDS)


PATH_WORDS: dict[str, Text] = {
    "empty": _("Name a file or a folder of the project."),
    "absolute": _("Leave out the slash at its beginning: paths begin in the project's folder."),
    "climbs": _("A path can't hold . or .. as a part of it."),
    "controls": _("A path can't hold line ends or other control characters."),
    "long": _("This path is too long."),
    "ours": _("In .fabriek the platform itself keeps what is under way."),
}
