"""The arguments and options that several steps take, written once."""

from pathlib import Path
from typing import Annotated

import typer

Parts = Annotated[
    Path, typer.Argument(help="What split wrote (train/ and val/); or one data set, then all is learned.")
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder to write; it is an artifact when training ends.")]
Target = Annotated[Path, typer.Argument(metavar="OUT", help="The artifact to write.")]
RecipeName = Annotated[
    str,
    typer.Option("--recipe", help="documented (fine-tunes) or from-scratch (the default model's)."),
]
Architecture = Annotated[
    str | None, typer.Option(help="resnet18, 34, 50, 101, 152 or mobilenet_v2; the recipe's when absent.")
]
Weights = Annotated[
    str | None, typer.Option(help="imagenet (torchvision's), none, or a .pth file or artifact to begin from.")
]
Freeze = Annotated[bool, typer.Option("--freeze", help="Train the last layer only; all else is computed once.")]
Channels = Annotated[
    float | None,
    typer.Option(help="Share of each layer's channels to have: those of largest weights. All when absent."),
]
Epochs = Annotated[int | None, typer.Option(min=1, help="The recipe's when absent (documented: 5).")]
Batch = Annotated[int | None, typer.Option(min=1, help="Pictures a step, over all processes (documented: 8).")]
LearningRate = Annotated[float | None, typer.Option(min=0, help="At its highest (documented: 0.001).")]
Temperature = Annotated[float, typer.Option(help="Softens both networks' answers before they are compared.")]
Alpha = Annotated[float, typer.Option(help="What the teacher weighs beside the labels, which weigh 1.")]
AlphaOfWhole = Annotated[
    float, typer.Option(help="What the unpruned network's answers weigh beside the labels, which weigh 1; 0: nothing.")
]
# Of 746 held-out pictures, halves that learned from the whole so made 12 mistakes after 12 epochs, and 17 by the labels
# alone (docs/adr/0012).
TEMPERATURE_OF_WHOLE, ALPHA_OF_WHOLE = 2.0, 1.0
Height = Annotated[int | None, typer.Option(min=32, max=4096, help="Of the served input, in pixels (documented: 700).")]
Width = Annotated[int | None, typer.Option(min=32, max=4096, help="Of the served input, in pixels (documented: 500).")]
Precision = Annotated[str, typer.Option(help="float32 or bfloat16; auto: what this machine is fast in.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where it was killed; same numbers.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that prepare pictures; 0: none (GPUs want 4 or more).")]
Name = Annotated[str, typer.Option(help="The version is this and 8 digits of the weights' hash.")]
