"""The documented model service: Flask and eager PyTorch, with torch's own threads."""

import os
from typing import IO

import torch
import torchvision
from flask import Flask, request
from PIL import Image
from torch import nn
from torchvision import transforms

app = Flask(__name__)

model = torchvision.models.resnet18(weights=None)
num_ftrs = model.fc.in_features
model.fc = nn.Linear(num_ftrs, 2)
if path := os.environ.get("DOCUMENTED_MODEL"):
    model.load_state_dict(torch.load(path, map_location=torch.device("cpu"), weights_only=True))
model.eval()


@app.route("/v1/is_online/", methods=["POST"])
def recogniition() -> str:
    """Classify the image at a path: "0" or "1"."""
    return str(predict(request.get_json()["image_path"]))


def predict(image_path: str | IO[bytes]) -> int:
    """The documents' lines between the request and the answer."""
    im = Image.open(image_path).convert("RGB")
    data_transforms = transforms.Compose(
        [
            transforms.Resize((700, 500)),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    image_tensor = data_transforms(im)
    image_tensor = image_tensor.unsqueeze(0)
    res = model(image_tensor)
    return int(torch.argmax(res).item())
