"""ONNX Runtime: the engine for every execution provider that the installed build offers, the CPU's by default."""

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from resnet_server.errors import ArtifactError
from resnet_server.manifest import Manifest

# What may stand behind onnxruntime: in an engine's name → ONNX Runtime's own.
PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


class ONNXRuntimeEngine:
    """A session; `run` may be called from several threads."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def infer(self, batch: npt.NDArray[np.uint8], *, alone: bool = True) -> npt.NDArray[np.float32]:  # noqa: ARG002
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2)."""
        logits: npt.NDArray[np.float32] = self._session.run(["logits"], {"image": batch})[0]
        return logits


def load(manifest: Manifest, threads: int, provider: str = "") -> ONNXRuntimeEngine:
    """Open a session with `threads` threads on one of PROVIDERS; "": on CUDA where this build has it, else on the CPU.

    What a GPU's provider does not run, the CPU's does. TensorRT builds its engine at every start, for minutes: it is
    taken only by name.
    Raises: ArtifactError where this build of ONNX Runtime, or this machine, does not have the provider; onnxruntime's
    exceptions where the file is no valid graph.
    """
    providers = chosen_providers(provider)
    if providers[0] != PROVIDERS["cpu"]:
        ort.preload_dlls()  # pip puts CUDA's libraries where the loader does not look: onnxruntime-gpu[cuda,cudnn]
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores from the decoders of other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(manifest.weights), options, providers=providers)
    if provider and session.get_providers()[0] != providers[0]:  # it falls back to the CPU with a line in the log
        raise ArtifactError(f"{providers[0]} does not start: its libraries, its driver or the GPU are missing.")
    return ONNXRuntimeEngine(session)


def chosen_providers(provider: str) -> list[str]:
    """ONNX Runtime's names, the wanted one first and the CPU's last.

    Raises: ArtifactError where this build of ONNX Runtime does not have the wanted one.
    """
    present = ort.get_available_providers()
    if not provider:
        return [PROVIDERS[name] for name in ("cuda", "cpu") if PROVIDERS[name] in present]
    wanted = PROVIDERS[provider]
    if wanted not in present:
        raise ArtifactError(
            f"this ONNX Runtime offers {', '.join(present)} alone; install onnxruntime-gpu in its place."
        )
    return list(dict.fromkeys([wanted, PROVIDERS["cpu"]]))
