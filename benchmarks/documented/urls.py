"""The documented URLs."""

from django.contrib import admin
from django.urls import path, re_path

from benchmarks.documented import views

urlpatterns = [
    path("admin/", admin.site.urls),
    re_path(r"^api/v1/get_pm[/]?$", views.get_pm),
]
