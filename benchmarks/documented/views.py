"""The documented view: decodes the picture, writes it to a file, and asks the model service about the file's path."""

import ast
import base64
import json
import os

import requests
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

IMAGES = os.environ["DOCUMENTED_IMAGES"]
MODEL_URL = os.environ["DOCUMENTED_MODEL_URL"]


@api_view(["POST"])
def get_pm(request: Request) -> Response:
    """{"image_id": "12345", "image_base64": str(base64_data)} → {"image_id": "12345", "result": "offline"}."""
    content = json.loads(request.body.decode())
    img_id = content["image_id"]
    img_base64 = ast.literal_eval(content["image_base64"])
    img_path = f"{IMAGES}/{img_id}.png"
    file = open(img_path, "wb")  # noqa: PTH123, SIM115 - the documents' own lines
    file.write(base64.b64decode(img_base64))
    file.close()

    data = {"image_path": img_path}
    res = requests.post(MODEL_URL, json=data, timeout=200)
    result = {"0": "offline", "1": "online"}
    return Response({"image_id": img_id, "result": result[str(res.text)]})
