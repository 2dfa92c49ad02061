"""Recipes: every number that decides what training does; the documented one, and the default model's."""

from dataclasses import dataclass, replace

from training.errors import TrainingError


@dataclass(frozen=True)
class Phase:
    """Epochs at one input size (pixels)."""

    height: int
    width: int
    epochs: int


@dataclass(frozen=True)
class Recipe:
    """Sizes are pixels, height before width; the checkpoint and the manifest carry all of it."""

    architecture: str
    weights: str  # imagenet, none, or a file
    phases: tuple[Phase, ...]
    height: int  # of the served input, which validation uses too
    width: int
    batch: int
    optimizer: str  # sgd or adamw
    learning_rate: float
    weight_decay: float
    schedule: str  # step or one-cycle
    views: str  # documented or strong: how a training picture is varied (training/learning/views.py)
    crop_room: float = 1.5  # how much larger than the served input pictures are kept: a crop shows a part of them
    label_smoothing: float = 0.0
    ema_decay: float = 0.0  # of the running average of the weights, which is what is kept; 0 keeps the weights
    freeze: bool = False
    channels: float = 1.0  # the share of each layer's to have, in multiples of 8: network.build_network
    precision: str = "auto"  # auto (what the hardware is fast in), float32 or bfloat16

    @property
    def epochs(self) -> int:
        """Of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width that pictures are kept at for cutting crops from."""
        return round(self.height * self.crop_room), round(self.width * self.crop_room)


# The documents' train.py: fine-tunes ImageNet's weights at 700 x 500, SGD, StepLR(7, 0.1), batches of 8, 5 epochs.
DOCUMENTED = Recipe(
    architecture="resnet18",
    weights="imagenet",
    phases=(Phase(700, 500, 5),),
    height=700,
    width=500,
    batch=8,
    optimizer="sgd",
    learning_rate=0.001,
    weight_decay=0.0,
    schedule="step",
    views="documented",
)

# From random weights. Half the documented sides: a quarter of the work, and large JPEGs are decoded at half their size.
# Progressive resizing (Howard 2018): an epoch costs half as much at 196 x 140 as at 280 x 200; the last two are at the
# served size. Random crops show things larger than the whole frame does, so the best input at test time is about 1.3
# times the size trained at (Touvron et al. 2019, "Fixing the train-test resolution discrepancy"). What is kept is the
# running average of the weights (Polyak and Juditsky 1992), about the last 500 steps, ten epochs.
FROM_SCRATCH = Recipe(
    architecture="resnet18",
    weights="none",
    phases=(Phase(196, 140, 16), Phase(280, 200, 28), Phase(350, 250, 2)),
    height=350,
    width=250,
    crop_room=3,
    batch=16,
    optimizer="adamw",
    learning_rate=0.001,
    weight_decay=0.05,
    schedule="one-cycle",
    views="strong",
    label_smoothing=0.05,
    ema_decay=0.998,
)

RECIPES = {"documented": DOCUMENTED, "from-scratch": FROM_SCRATCH}


def with_size(recipe: Recipe, height: int, width: int) -> Recipe:
    """The recipe for another served input; every phase keeps its share of it."""
    phases = tuple(
        replace(
            phase,
            height=max(32, round(phase.height * height / recipe.height)),
            width=max(32, round(phase.width * width / recipe.width)),
        )
        for phase in recipe.phases
    )
    return replace(recipe, height=height, width=width, phases=phases)


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe in `epochs` epochs, divided over the phases as before; a phase that rounds to none is left out."""
    done, total, phases = 0, 0, []
    for phase in recipe.phases:
        total += phase.epochs
        share = round(epochs * total / recipe.epochs) - done
        done += share
        if share:
            phases.append(replace(phase, epochs=share))
    return replace(recipe, phases=tuple(phases))


def chosen(
    name: str, *, epochs: int | None = None, height: int | None = None, width: int | None = None, **given: object
) -> Recipe:
    """The recipe called `name` with what was given instead of its own; None stands for not given.

    Raises: TrainingError for an unknown name.
    """
    recipe = named(name)
    recipe = replace(recipe, **{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    recipe = with_size(recipe, height or recipe.height, width or recipe.width)
    return with_epochs(recipe, epochs) if epochs else recipe


def named(name: str) -> Recipe:
    """Raises: TrainingError for an unknown name."""
    if name not in RECIPES:
        raise TrainingError(f"There is no recipe {name}; choose {' or '.join(RECIPES)}.")
    return RECIPES[name]
