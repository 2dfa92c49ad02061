"""Every text of the admin has its Chinese, and the compiled catalogue is the one that is read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.utils import translation
from django.utils.translation.template import templatize

from server.env import ROOT

FOLDER = ROOT / "Pm" / "locale" / "zh_Hans" / "LC_MESSAGES"
CATALOGUE = polib.pofile(FOLDER / "django.po")
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext"}
# What templatize makes of a template's texts: gettext("…"), and _("…") in the arguments of other tags.
IN_TEMPLATE = re.compile(r"""\b(?:gettext|_)\(\s*u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def python_texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS and node.args:
            text = node.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def template_texts(path: Path) -> Iterator[str]:
    source = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    yield from (ast.literal_eval(found) for found in IN_TEMPLATE.findall(source))


def texts() -> set[str]:
    python = (path for folder in ("Pm", "server", "api") for path in (ROOT / folder).rglob("*.py"))
    templates = (ROOT / "Pm" / "templates").rglob("*.html")
    found = {text for path in python if "migrations" not in path.parts for text in python_texts(path)}
    return found | {text for path in templates for text in template_texts(path)}


def test_every_text_has_its_chinese() -> None:
    """Add what is missing to Pm/locale/zh_Hans/LC_MESSAGES/django.po, then run make messages."""
    there = {entry.msgid for entry in CATALOGUE if entry.translated()}
    with translation.override("zh-hans"):
        missing = {text for text in texts() - there if translation.gettext(text) == text}
    assert missing == set()


def test_places_of_values_are_the_same_in_both_languages() -> None:
    place = re.compile(r"%(?:\(\w+\))?[.\d]*[sdfg]")
    for entry in CATALOGUE:
        for told in [entry.msgstr, *entry.msgstr_plural.values()]:
            if told:
                assert sorted(place.findall(told)) == sorted(place.findall(entry.msgid_plural or entry.msgid)), told


@pytest.mark.parametrize("name", ["django", "djangojs"])
def test_compiled_catalogue_is_the_one_that_is_read(name: str) -> None:
    compiled, written = polib.mofile(FOLDER / f"{name}.mo"), polib.pofile(FOLDER / f"{name}.po").translated_entries()
    told = {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in compiled}
    assert told == {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in written}


@pytest.mark.parametrize(("text", "told"), [("Photos", "照片"), ("Roll-outs", "上线记录")])
def test_admin_speaks_chinese(text: str, told: str) -> None:
    with translation.override("zh-hans"):
        assert translation.gettext(text) == told


def test_columns_of_lists_are_chinese_but_for_names_that_are_the_same_in_both() -> None:
    the_same = {"image_id", "SHA-256", "ECE"}
    with translation.override("zh-hans"):
        titles = {
            str(label_for_field(column, model, listed))
            for model, listed in admin.site._registry.items()
            for column in listed.list_display
        }
    assert {title for title in titles - the_same if title.isascii()} == set()
