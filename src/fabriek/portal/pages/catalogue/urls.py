"""The addresses of these pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from fabriek.portal.pages.catalogue import browsing, curating, profiles, searches, writing

urlpatterns: list[URLPattern | URLResolver] = [
    path("catalogue/", browsing.index, name="catalogue"),
    path("catalogue/new/", writing.new, name="new_entry"),
    path("catalogue/mine/", writing.mine, name="my_entries"),
    path("catalogue/searches/", searches.searches, name="saved_searches"),
    path("catalogue/searches/new/", searches.save, name="save_search"),
    path("catalogue/searches/<int:number>/", searches.news, name="saved_search"),
    path("catalogue/searches/<int:number>/change/", searches.change, name="change_search"),
    path("catalogue/searches/<int:number>/seen/", searches.seen, name="see_news"),
    path("catalogue/searches/<int:number>/forget/", searches.forget, name="forget_search"),
    path("catalogue/ventures/", profiles.ventures, name="ventures"),
    path("catalogue/profiles/", profiles.mine, name="my_profiles"),
    path("catalogue/profiles/data/", profiles.my_data, name="my_catalogue_data"),
    path("catalogue/profiles/<slug:code>/", profiles.show, name="profile"),
    path("catalogue/profiles/<slug:code>/letters/", profiles.letters, name="letters"),
    path("catalogue/profiles/<slug:code>/looks/", profiles.looks, name="looks"),
    path("catalogue/profiles/<slug:code>/erase/", profiles.erase, name="erase_profile"),
    path("catalogue/desk/", curating.desk, name="curate"),
    path("catalogue/desk/<slug:code>/", curating.look, name="curate_entry"),
    path("catalogue/desk/<slug:code>/publish/", curating.publish, name="publish_entry"),
    path("catalogue/desk/<slug:code>/send-back/", curating.send_back, name="send_back_entry"),
    path("catalogue/entries/<slug:code>/", browsing.show, name="entry"),
    path("catalogue/entries/<slug:code>/versions/<int:number>/", browsing.version, name="entry_version"),
    path("catalogue/entries/<slug:code>/files/<slug:sha256>/", browsing.file, name="entry_file"),
    path("catalogue/entries/<slug:code>/use/", browsing.use, name="use_entry"),
    path("catalogue/entries/<slug:code>/edit/<slug:step>/", writing.edit, name="edit_entry"),
    path("catalogue/entries/<slug:code>/upload/", writing.upload, name="upload_entry_file"),
    path("catalogue/entries/<slug:code>/ask/", writing.ask, name="ask_entry"),
    path("catalogue/entries/<slug:code>/write/", profiles.write, name="write_to_profile"),
    path("catalogue/entries/<slug:code>/look/", profiles.look, name="look_at_venture"),
    path("catalogue/entries/<slug:code>/hide/", profiles.hide, name="hide_profile"),
    path("catalogue/entries/<slug:code>/lift/", profiles.lift, name="lift_profile"),
    path("catalogue/entries/<slug:code>/retire/", writing.retire, name="retire_entry"),
    path("results/<uuid:uuid>/entry/", writing.from_result, name="draft_from_result"),
]
