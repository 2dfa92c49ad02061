"""Routes only."""

from django.urls import path
from drf_spectacular.views import SpectacularSwaggerSplitView

from api import health
from api.metrics import metrics_view, metrics_with_key_view
from api.schema import SchemaView
from Pm import views as pm_views

urlpatterns = [
    path("api/v1/get_pm/", pm_views.get_pm, name="get_pm"),
    path("api/v1/get_pm", pm_views.get_pm_without_slash),
    path("api/v1/metrics", metrics_with_key_view, name="metrics_with_key"),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics_view, name="metrics"),
]
