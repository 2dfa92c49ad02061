"""The HTTP surface around Pm: routes, the one error body, request ids, the access log and health."""
