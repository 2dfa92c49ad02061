"""Tells browsers what a page may load; all else that answers tell them, conf/nginx/public.conf adds."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

# unfold's Alpine builds functions from the text of its x-… attributes (its build that does without cannot read them),
# and sets the width of the list's actions as a style attribute; style elements stay refused.
ADMINS_OWN = {"script-src": ["'unsafe-eval'"], "style-src-attr": ["'unsafe-inline'"]}


class PagePolicyMiddleware(CSPMiddleware):
    """django-csp's for pages, with what the admin needs below /admin/ only; of JSON nginx says it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header to all but JSON."""
        if response.headers.get("Content-Type", "").startswith("application/json"):
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
