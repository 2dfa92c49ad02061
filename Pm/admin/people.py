"""Users, groups and their log-ins, as unfold shows them."""

from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from Pm.admin.lists import ListAdmin, ReadOnlyAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ListAdmin):  # type: ignore[type-arg] # not subscriptable at run time
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
class GroupAdmin(DjangoGroupAdmin, ListAdmin):
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
