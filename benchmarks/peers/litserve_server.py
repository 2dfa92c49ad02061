"""LitServe: one worker process a model."""

import litserve as ls

from benchmarks.peers.classify import PATH, PORT, WORKERS, Classifier


class PhotoAPI(ls.LitAPI):
    """The documented body in, the two keys out."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the model, in the worker."""
        self.classifier = Classifier()

    def decode_request(self, request: dict[str, str]) -> dict[str, str]:
        """The body as it is."""
        return request

    def predict(self, photo: dict[str, str]) -> dict[str, str]:
        """Classify one photo."""
        return self.classifier.answer(photo["image_id"], photo["image_base64"])

    def encode_response(self, output: dict[str, str]) -> dict[str, str]:
        """The answer as it is."""
        return output


if __name__ == "__main__":
    server = ls.LitServer(PhotoAPI(api_path=PATH), accelerator="cpu", workers_per_device=WORKERS)
    server.run(host="127.0.0.1", port=PORT, log_level="warning", generate_client_file=False)
