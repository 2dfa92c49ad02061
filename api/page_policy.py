"""Tells browsers what a page may load and do, on every answer."""

from csp.constants import HEADER
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

# Directives that nothing here needs: https://www.w3.org/TR/permissions-policy-1/
NOTHING_OF_THE_DEVICE = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
# JSON is no page: https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
NOTHING_TO_LOAD = "default-src 'none'; frame-ancestors 'none'"
# unfold's Alpine builds functions from the text of its x-… attributes (its build that does without cannot read them),
# and sets the width of the list's actions as a style attribute; style elements stay refused.
ADMINS_OWN = {"script-src": ["'unsafe-eval'"], "style-src-attr": ["'unsafe-inline'"]}


class SecurityHeadersMiddleware(CSPMiddleware):
    """django-csp's, with what the admin needs below /admin/ only, and a Permissions-Policy."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add both headers."""
        response.headers.setdefault("Permissions-Policy", NOTHING_OF_THE_DEVICE)
        if response.headers.get("Content-Type", "").startswith("application/json"):
            response.headers[HEADER] = NOTHING_TO_LOAD
            return response
        return super().process_response(request, response)

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002 - django-csp's signature
    ) -> PolicyParts:
        """What settings.CONTENT_SECURITY_POLICY says, and below /admin/ a little more."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith("/admin/"):
            parts.update = {**ADMINS_OWN, **(parts.update or {})}
        return parts
