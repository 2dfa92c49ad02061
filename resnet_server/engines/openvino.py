"""OpenVINO: the default engine on CPUs."""

from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
import openvino as ov

from resnet_server.manifest import Manifest


class OpenVINOEngine:
    """A compiled model and as many infer requests as may run at once."""

    def __init__(self, compiled: ov.CompiledModel, requests: int) -> None:
        # An infer request serves one thread at a time; the pool hands each to one caller.
        self._idle: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(requests):
            self._idle.put(compiled.create_infer_request())

    def infer(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2); waits while every infer request is taken."""
        request = self._idle.get()
        try:
            outputs = request.infer([batch], share_inputs=True)
            logits: npt.NDArray[np.float32] = outputs[0]  # a copy of the output tensor
            return logits
        finally:
            self._idle.put(request)


def load(manifest: Manifest, threads: int) -> OpenVINOEngine:
    """Compile the ONNX graph for `threads` cores.

    Raises: RuntimeError where OpenVINO refuses the graph.
    """
    config = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        # Two servers and the decoders share the cores: the scheduler places threads better than a fixed mask.
        "ENABLE_CPU_PINNING": False,
        # Without this, CPUs with AMX run float layers in bfloat16 and answer otherwise than all others.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = ov.Core().compile_model(str(manifest.weights), "CPU", config)
    return OpenVINOEngine(compiled, requests=threads)
