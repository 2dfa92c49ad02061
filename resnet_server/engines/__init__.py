"""One small protocol and three engines that run a model artifact; each is imported only when it is chosen."""

from importlib import import_module
from typing import Protocol

import numpy as np
import numpy.typing as npt

from resnet_server.errors import ArtifactError
from resnet_server.manifest import Manifest

# Engine → (module, what to install when the module's libraries are absent).
ENGINES = {
    "openvino": ("resnet_server.engines.openvino", "requirements/model.txt"),
    "onnxruntime": ("resnet_server.engines.onnxruntime", "requirements/model.txt"),
    "pytorch": ("resnet_server.engines.pytorch", "requirements/training.txt"),
}
WEIGHT_SUFFIX = {"openvino": ".onnx", "onnxruntime": ".onnx", "pytorch": ".pth"}


class Engine(Protocol):
    """Runs the network; safe to call from several threads."""

    def infer(self, batch: npt.NDArray[np.uint8], *, alone: bool = True) -> npt.NDArray[np.float32]:
        """Run one batch: uint8 (N, H, W, 3) RGB → float32 logits (N, 2).

        `alone`: no other batch is on its way, so that this one may take every core; an engine need not care.
        """
        ...


def load_engine(name: str, manifest: Manifest, threads: int) -> Engine:
    """Load an artifact's weights into the engine called `name`; "auto" is OpenVINO for .onnx, PyTorch for .pth.

    "onnxruntime:cuda", ":tensorrt" and ":cpu" name one of ONNX Runtime's execution providers.

    Raises: ArtifactError when the engine is not installed, does not run this kind of weights, or cannot load them.
    """
    suffix = manifest.weights.suffix
    chosen, _, provider = name.partition(":")
    if name == "auto":
        chosen = "pytorch" if suffix == ".pth" else "openvino"
    if suffix != WEIGHT_SUFFIX[chosen]:
        raise ArtifactError(f"The {chosen} engine runs {WEIGHT_SUFFIX[chosen]} weights; {manifest.weights} is not one.")
    module_name, requirements = ENGINES[chosen]
    try:
        module = import_module(module_name)
    except ImportError as exc:
        raise ArtifactError(f"The {chosen} engine is not installed: run pip install -r {requirements}.") from exc
    try:
        engine: Engine = module.load(manifest, threads, *([provider] if provider else []))
    except Exception as exc:
        said = chosen if name == "auto" else name
        raise ArtifactError(f"The {said} engine cannot load {manifest.weights}: {exc}") from exc
    return engine
