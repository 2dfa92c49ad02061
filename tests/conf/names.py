"""Which of Pm's metrics a text speaks of."""

import re


def named(text: str) -> set[str]:
    """Every name that begins as ours do."""
    return set(re.findall(r"\bpm_(?:gateway|model)_[a-z_]+", text))
