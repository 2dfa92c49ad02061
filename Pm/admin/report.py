"""Serves the report below /admin/."""

from django.contrib import admin

from Pm.report import views

admin.site.add_page("report/", views.report_page, "report")  # type: ignore[attr-defined] # ours: Pm.admin_site
admin.site.add_page("report/report.xlsx", views.report_xlsx, "report_xlsx")  # type: ignore[attr-defined]
admin.site.add_page("report/<slug:slug>.csv", views.report_csv, "report_csv")  # type: ignore[attr-defined]
