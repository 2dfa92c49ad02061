"""The log-in form."""

from django.contrib.auth.models import User
from unfold.forms import AuthenticationForm

MAX_NAME_CHARACTERS = User._meta.get_field("username").max_length or 150


class LogInForm(AuthenticationForm):
    """Unfold's, which would hand on names longer than anybody's: the table of attempts does not hold them."""

    def clean_username(self) -> str:
        """A name that somebody may have.

        Raises: ValidationError, the same as for a wrong password.
        """
        name = str(self.cleaned_data["username"])
        if len(name) > MAX_NAME_CHARACTERS:
            raise self.get_invalid_login_error()
        return name
