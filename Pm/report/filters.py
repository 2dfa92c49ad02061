"""What the report is asked for: the form above it, and the same as conditions on the records."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.widgets import INPUT_CLASSES

from Pm.report.day import report_day
from Pm.report.periods import DEFAULT, FIRST_YEAR, LAST_YEAR, PRESETS, Days

# With conditions that both Django's ORM and the admin's list of photos understand, a number and its link cannot differ.
Conditions = dict[str, str]


@dataclass(frozen=True)
class Filters:
    """Which records are counted."""

    period: str  # a preset's name, or "" for days of the user's own
    days: Days
    region: str = ""
    institution: str = ""
    model_version: str = ""

    @property
    def conditions(self) -> Conditions:
        """Records of these days; those without a day are none of the report's yet (fill_report_fields)."""
        first, last = self.days
        found = {"day__gte": str(first or date(FIRST_YEAR, 1, 1)), "day__lte": str(last or date(LAST_YEAR, 12, 31))}
        for name in ("region", "institution", "model_version"):
            if value := getattr(self, name):
                found[f"{name}__exact"] = value
        return found


def photos_url(conditions: Conditions) -> str:
    """The admin's list of the photos that fulfil the conditions."""
    return f"{reverse('admin:Pm_prediction_changelist')}?{urlencode(conditions)}"


def _text(label: Any, max_length: int, names: str) -> forms.CharField:  # noqa: ANN401 - a lazy translation
    attributes = {"class": " ".join(INPUT_CLASSES), "list": names, "autocomplete": "off"}
    return forms.CharField(label=label, required=False, max_length=max_length, widget=forms.TextInput(attributes))


def _day(label: Any) -> forms.DateField:  # noqa: ANN401 - a lazy translation
    """Browsers show their own calendar, and send the day as ISO 8601 whatever the language."""
    widget = forms.DateInput({"type": "date", "class": " ".join(INPUT_CLASSES)}, "%Y-%m-%d")
    field = forms.DateField(label=label, required=False, input_formats=["%Y-%m-%d"], widget=widget)
    field.error_messages["invalid"] = _("This is no day of the calendar; write it as 2026-11-20.")
    return field


class FilterForm(forms.Form):
    """All fields are optional: nothing is the last 30 days of everything. Days of the user's own win over a preset."""

    period = forms.ChoiceField(
        required=False,
        choices=[(key, label) for key, (label, _days) in PRESETS.items()],
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("There is no such period: choose one of those above.")},
    )
    first = _day(_("From"))
    last = _day(_("To"))
    region = _text(_("Region"), 64, "report-regions")
    institution = _text(_("Institution"), 255, "report-institutions")
    model_version = _text(_("Model version"), 64, "report-versions")

    def clean(self) -> dict[str, Any]:
        """Days that a record can have, in their order."""
        cleaned = self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        for name, day in (("first", first), ("last", last)):
            if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
                self.add_error(name, _("Choose a day from 2000 to 2099."))
        if first and last and first > last:
            self.add_error("last", _("The last day must not lie before the first."))
        return cleaned

    def filters(self) -> Filters:
        """What a valid form asks for."""
        cleaned = self.cleaned_data
        texts = {name: cleaned[name] for name in ("region", "institution", "model_version")}
        if cleaned["first"] or cleaned["last"]:
            return Filters("", Days(cleaned["first"], cleaned["last"]), **texts)
        period = cleaned["period"] or DEFAULT
        return Filters(period, PRESETS[period][1](report_day(timezone.now())), **texts)
