"""FastAPI under uvicorn: a plain function, which FastAPI runs in its thread pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel

from benchmarks.peers.classify import PATH, PORT, WORKERS, Classifier


class Photo(BaseModel):
    """The documented body."""

    image_id: str
    image_base64: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the model before the first request, in the worker."""
    app.state.classifier = Classifier()
    yield


app = FastAPI(lifespan=lifespan)


@app.post(PATH)
def get_pm(photo: Photo, request: Request) -> dict[str, str]:
    """The two keys."""
    classifier: Classifier = request.app.state.classifier
    return classifier.answer(photo.image_id, photo.image_base64)


if __name__ == "__main__":
    uvicorn.run(
        "benchmarks.peers.fastapi_server:app", host="127.0.0.1", port=PORT, workers=WORKERS, log_level="warning"
    )
