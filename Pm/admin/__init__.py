"""Django admin: photos, labels, reports, models and keys."""

from Pm.admin import api_keys, labelling, model_versions, people, photos, report, roll_outs

__all__ = ["api_keys", "labelling", "model_versions", "people", "photos", "report", "roll_outs"]
