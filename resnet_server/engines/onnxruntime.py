"""ONNX Runtime: the engine for every execution provider that the installed build offers, the CPU's by default."""

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from resnet_server.manifest import Manifest


class ONNXRuntimeEngine:
    """A session; `run` may be called from several threads."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def infer(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2)."""
        logits: npt.NDArray[np.float32] = self._session.run(["logits"], {"image": batch})[0]
        return logits


def load(manifest: Manifest, threads: int) -> ONNXRuntimeEngine:
    """Open a session with `threads` threads on the best providers present (TensorRT, CUDA, CPU in this order).

    Raises: onnxruntime's exceptions where the file is no valid graph.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores from the decoders of other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in wanted if name in ort.get_available_providers()]
    return ONNXRuntimeEngine(ort.InferenceSession(str(manifest.weights), options, providers=providers))
