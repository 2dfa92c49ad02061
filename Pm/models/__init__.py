"""What the database keeps."""

from Pm.models.model_version import Comparison, ModelVersion, RollOut
from Pm.models.prediction import Prediction

__all__ = ["Comparison", "ModelVersion", "Prediction", "RollOut"]
