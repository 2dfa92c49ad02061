"""OpenVINO: the default engine on CPUs."""

from collections.abc import Callable
from functools import cache
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
import openvino as ov

from resnet_server.manifest import Manifest


class Pool:
    """A compiled model's infer requests: one serves one caller at a time."""

    def __init__(self, compiled: ov.CompiledModel, requests: int) -> None:
        self._idle: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(requests):
            self._idle.put(compiled.create_infer_request())

    def infer(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run one batch; waits while every infer request is taken."""
        request = self._idle.get()
        try:
            # In its own memory: what infer() is given itself goes through 27 calls of Python more.
            pictures = request.get_input_tensor()
            pictures.shape = batch.shape
            pictures.data[:] = batch
            request.infer(share_outputs=True)
            logits: npt.NDArray[np.float32] = request.get_output_tensor().data.copy()
            return logits
        finally:
            self._idle.put(request)


class OpenVINOEngine:
    """The model compiled twice for one picture: on every core, and on each core a picture.

    The first answers a lone caller soonest; with more of them its threads wait for each other, and the second does a
    third more (docs/adr/0007). Other batches, which serving does not ask about, are compiled for when the first comes.
    """

    def __init__(self, latency: Pool, throughput: Pool, many: Callable[[], Pool]) -> None:
        self._latency = latency
        self._throughput = throughput
        self._many = many

    def infer(self, batch: npt.NDArray[np.uint8], *, alone: bool = True) -> npt.NDArray[np.float32]:
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2)."""
        if len(batch) != 1:
            return self._many().infer(batch)
        return (self._latency if alone else self._throughput).infer(batch)


def load(manifest: Manifest, threads: int) -> OpenVINOEngine:
    """Compile the ONNX graph for `threads` cores.

    Raises: RuntimeError where OpenVINO refuses the graph.
    """
    core = ov.Core()

    def compiled(hint: str, streams: int, pictures: int = -1) -> Pool:
        graph = core.read_model(str(manifest.weights))
        shape = graph.input().partial_shape
        shape[0] = pictures  # when it is known, all is planned ahead; -1 (any) takes some milliseconds more at each run
        graph.reshape(shape)
        config = {
            "PERFORMANCE_HINT": hint,
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads,
            # Two servers and the decoders share the cores: the scheduler places threads better than a fixed mask.
            "ENABLE_CPU_PINNING": False,
            # Without this, CPUs with AMX run float layers in bfloat16 and answer otherwise than all others.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        return Pool(core.compile_model(graph, "CPU", config), requests=threads)

    latency = compiled("LATENCY", 1, pictures=1)
    throughput = compiled("THROUGHPUT", threads, pictures=1) if threads > 1 else latency
    return OpenVINOEngine(latency, throughput, many=cache(lambda: compiled("LATENCY", 1)))
