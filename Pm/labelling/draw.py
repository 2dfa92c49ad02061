"""Draws at random what people look at."""

import random


def is_drawn(percent: float) -> bool:
    """Heads or tails, heads in `percent` of the cases; nothing else goes into it, so that the sample is honest."""
    return random.random() * 100 < percent  # noqa: S311 - a draw, no secret
