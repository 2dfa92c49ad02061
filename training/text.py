"""What is printed about files."""


def printable(name: str) -> str:
    """Any bytes can be a file's name: those that are no UTF-8 as \\udcff, since print refuses them."""
    return name.encode(errors="backslashreplace").decode()
