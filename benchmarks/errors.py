"""The one error of the benchmarks."""


class BenchmarkError(Exception):
    """A measurement cannot be made or cannot be trusted; the message is one sentence that says what to do."""
