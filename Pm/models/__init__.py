"""What the database keeps."""

from Pm.models.api_key import ApiKey, Scope
from Pm.models.labelling import EnrolledUntil, Label, Photo, PhotoImport
from Pm.models.model_version import Comparison, ModelVersion, RollOut
from Pm.models.prediction import Prediction

__all__ = [
    "ApiKey",
    "Comparison",
    "EnrolledUntil",
    "Label",
    "ModelVersion",
    "Photo",
    "PhotoImport",
    "Prediction",
    "RollOut",
    "Scope",
]
