"""The base of every JSON view: lists only methods that it takes, adds no header of its own."""

from typing import Any

from rest_framework.views import APIView


class JsonView(APIView):
    """A view without OPTIONS: 405 and Allow say what it takes."""

    parser_classes = ()

    @property
    def allowed_methods(self) -> list[str]:
        """The methods that this view answers."""
        return [method for method in super().allowed_methods if method != "OPTIONS"]

    @property
    def default_response_headers(self) -> dict[str, Any]:
        """None: Allow belongs to a 405, and nothing varies by Accept."""
        return {}
