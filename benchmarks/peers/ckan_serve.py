"""Serves a CKAN with ckanext-dcat on loopback. Run by harvest_ckan.py, with the Python of CKAN's own venv.

`ckan_serve.py INI PORT NUMBER`: CKAN 2.11, its tables made, and so many datasets of an organisation. All is CKAN's own
but its search: Solr is in none of the registries that this project installs from, so that `package_search` lists what
CKAN's database holds, in CKAN's own dictionaries, instead of asking Solr for the same; nothing is indexed, and how many
datasets a group has isn't counted. Prints "serving" and a token once it does.
"""

from __future__ import annotations

import sys
from typing import Any

from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
from ckan.lib import search
from ckan.lib.dictization import model_dictize
from ckan.logic.action import get
from ckan.plugins import toolkit
from werkzeug.serving import make_server

THEMES = ("ENVI", "TRAN", "HEAL", "TECH")
LICENCES = tuple(
    f"http://publications.europa.eu/resource/authority/licence/{one}" for one in ("CC_BY_4_0", "CC0", "ODC_BL")
)


def package_search(context: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Active datasets, those that changed last first."""
    toolkit.check_access("package_search", context, asked)
    there = model.Session.query(model.Package).filter_by(state="active", private=False)
    rows = there.order_by(model.Package.metadata_modified.desc(), model.Package.name)
    some = rows.offset(int(asked.get("start", 0))).limit(int(asked.get("rows", 10)))
    show, how = toolkit.get_action("package_show"), {"ignore_auth": True, "use_cache": False}
    return {"count": there.count(), "results": [show(dict(how), {"id": one.id}) for one in some]}


# CKAN takes for its actions what is defined in this module.
package_search.__module__ = get.__name__
get.package_search = toolkit.side_effect_free(package_search)
search.dispatch_by_operation = lambda *_what: None
model_dictize.get_group_dataset_counts = lambda: {"owner_org": {}, "groups": {}}


def dataset(number: int, owner: str) -> dict[str, Any]:
    """What somebody would fill in, in the fields that ckanext-dcat reads."""
    extras = {
        "issued": f"20{number % 20:02d}-03-04",
        "theme": f'["http://publications.europa.eu/resource/authority/data-theme/{THEMES[number % 4]}"]',
        "language": '["http://publications.europa.eu/resource/authority/language/NLD"]',
        "access_rights": "http://publications.europa.eu/resource/authority/access-right/PUBLIC",
        "contact_name": "Helpdesk",
        "contact_email": "helpdesk@data.example",
        "publisher_name": "Province of Nowhere",
        "provenance": "Measured by the road-side.",
        "temporal_start": "2019-01-01",
        "temporal_end": "2020-12-31",
        "spatial": '{"type": "Point", "coordinates": [5.1, 52.1]}',
    }
    return {
        "name": f"counts-{number}",
        "title": f"Traffic counts, road {number}",
        "notes": f"Vehicles <b>by the hour</b> on road {number}.\n\nCounted & checked.",
        "url": f"https://data.example/roads/{number}",
        "version": "1.2",
        "owner_org": owner,
        "tags": [{"name": "traffic"}, {"name": f"road {number}"}],
        "extras": [{"key": key, "value": value} for key, value in extras.items()],
        "resources": [
            {
                "name": "Counts",
                "url": f"https://data.example/roads/{number}.csv",
                "format": "CSV",
                "mimetype": "text/csv",
                "size": 1_000 + number,
                "license": LICENCES[number % 3],
                "hash": f"{number:064x}",
                "hash_algorithm": "http://spdx.org/rdf/terms#checksumAlgorithm_sha256",
            }
        ],
    }


def main(ini: str, port: str, number: str) -> None:
    """Fill and serve, until ended."""
    app = make_app(CKANConfigLoader(ini).get_config())
    flask = app._wsgi_app
    model.repo.init_db()
    with flask.test_request_context():
        context = {"ignore_auth": True, "user": toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]}
        owner = toolkit.get_action("organization_create")(dict(context), {"name": "nowhere", "title": "Nowhere"})["id"]
        for one in range(int(number)):
            toolkit.get_action("package_create")(dict(context), dataset(one, owner))
        token = toolkit.get_action("api_token_create")(dict(context), {"user": context["user"], "name": "peer"})
    print("serving", token["token"], flush=True)
    make_server("127.0.0.1", int(port), app, threaded=True).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
