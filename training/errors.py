"""What a step refuses; the command line shows it as one sentence and exits 1."""


class TrainingError(Exception):
    """A step cannot do what was asked, and why."""
