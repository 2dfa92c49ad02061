"""Django admin: photos, labels, reports, models and keys."""

from Pm.admin import model_versions, photos

__all__ = ["model_versions", "photos"]
