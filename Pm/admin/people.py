"""Users, groups and their log-ins, as unfold shows them."""

from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from Pm.admin.lists import ListAdmin, ReadOnlyAdmin

DJANGOS = ("add", "change", "delete", "view")
admin.site.unregister(User)
admin.site.unregister(Group)


def permission_name(permission: Permission) -> str:
    """What it lets do, in the reader's language: the table holds English, and Django's four name their model again."""
    action, _, model = permission.codename.partition("_")
    is_djangos = action in DJANGOS and model == permission.content_type.model
    name = f"Can {action}" if is_djangos else permission.name
    return f"{permission.content_type} | {gettext(name)}"


class PermissionsAdmin(ListAdmin):
    """Where permissions are given."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:  # noqa: ANN401
        """Django's, with names that are translated."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.related_model is Permission:
            field.label_from_instance = permission_name
        return field


@admin.register(User)
class UserAdmin(DjangoUserAdmin, PermissionsAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Who may sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")
    filter_horizontal = ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only a superuser makes superusers."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only a superuser changes one: nobody else sets its password."""
        return super().has_change_permission(request, obj) and (
            request.user.is_superuser or obj is None or not obj.is_superuser
        )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        """Make the user inactive instead: with the user, Django would delete the history of what the user did."""
        return False


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, PermissionsAdmin):
    """What each group may do."""


def log_in_name(row: AccessAttempt | AccessLog) -> str:
    """Who and when, in the time zone of the page."""
    return f"{row.username}, {timezone.localtime(row.attempt_time):%Y-%m-%d %H:%M:%S}"


AccessAttempt.__str__ = AccessLog.__str__ = log_in_name  # headings show it: axes' own are English, and in UTC


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Log-ins that failed lately: to delete one is to let its user try again at once."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start", "user_agent")
    search_fields = ("username__exact", "ip_address__exact")
    fields = list_display

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Django's own."""
        return bool(ModelAdmin.has_delete_permission(self, request, obj))


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyAdmin):
    """Who logged in, from where, until when."""

    list_display = ("attempt_time", "username", "ip_address", "logout_time", "user_agent")
    search_fields = ("username__exact", "ip_address__exact")
    fields = list_display
