"""The labelling queue's pages: who may, what to show, what was said."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from Pm.labelling import selectors, services
from Pm.labelling.agreement import agreements
from Pm.labelling.enrolment import photos_enrol
from Pm.labelling.queue import leases_renew, photos_claim
from Pm.models import Label, Photo

# answer, its key, its icon (https://fonts.google.com/icons), its text
ANSWERS = (
    (Label.Answer.OFFLINE, "O", "groups", gettext_lazy("Offline: people in a room")),
    (Label.Answer.ONLINE, "N", "computer", gettext_lazy("Online: a screen")),
    (Label.Answer.SKIP, "S", "help", gettext_lazy("Skip: cannot tell")),
)


def require(request: HttpRequest, *permissions: str) -> User:
    """Who asks, and has one of these permissions.

    Raises: PermissionDenied.
    """
    user = request.user
    if not isinstance(user, User) or not any(user.has_perm(permission) for permission in permissions):
        raise PermissionDenied
    return user


def page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:  # noqa: ANN401
    """A page with the admin's frame."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


@require_GET
def labelling(request: HttpRequest) -> HttpResponse:
    """The photo to label now; what was posted since joins the queue first."""
    user = require(request, "Pm.label_photo")
    photos_enrol()
    queue = _queue(request.GET) or selectors.first_queue(user)
    state = _state(user, queue)
    queues = [(Photo.Queue(queue).label, queue, told) for queue, told in state["waiting"].items()]
    return page(request, "Pm/labelling/queue.html", _("Labelling"), state=state, queues=queues, answers=ANSWERS)


@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """Record O, N or S for a photo, and give the next."""
    user = require(request, "Pm.label_photo")
    try:
        photo_id = int(request.POST.get("photo", ""))
        is_theirs = services.queue_answer(photo_id=photo_id, by=user, answer=request.POST.get("answer", ""))
    except (ValueError, Photo.DoesNotExist) as exc:
        raise Http404 from exc
    return _answered(
        request, user, refused="" if is_theirs else _("Somebody else has that photo by now; here is the next one.")
    )


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back the last answer, and show its photo again."""
    user = require(request, "Pm.label_photo")
    photo = services.label_undo(by=user)
    if photo is None:
        messages.info(request, _("There is nothing to undo."))
    return _answered(request, user, photo.queue if photo else "")


@require_POST
def renew(request: HttpRequest) -> JsonResponse:
    """Keep the photos on the screen while somebody looks at them."""
    return JsonResponse({"leases": leases_renew(require(request, "Pm.label_photo"))})


@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    """How much is left, who did how much, how far labellers agree."""
    require(request, "Pm.label_photo", "Pm.export_labels", "Pm.import_photo")
    context = {
        "waiting": [(Photo.Queue(row.queue).label, row) for row in selectors.waiting()],
        "labellers": selectors.labellers(),
        "agreements": agreements(),
        "conflicts": selectors.conflicts(),
    }
    return page(request, "Pm/labelling/progress.html", _("Labelling progress"), **context)


def _queue(values: Any) -> str:  # noqa: ANN401 - a QueryDict
    return queue if (queue := values.get("queue", "")) in Photo.Queue.values else ""


def _answered(request: HttpRequest, user: User, queue: str = "", refused: str = "") -> HttpResponse:
    photos_enrol()  # who labels by keys never loads the page anew
    queue = queue or _queue(request.POST) or selectors.first_queue(user)
    if request.headers.get("Accept") == "application/json":
        state = _state(user, queue)
        return JsonResponse({**state, "message": refused}, status=409) if refused else JsonResponse(state)
    if refused:
        messages.warning(request, refused)
    return redirect(f"{reverse('admin:labelling')}?queue={queue}")


def _state(user: User, queue: str) -> dict[str, Any]:
    """What the page shows, never with the model's answer, which would sway who labels."""
    photos = photos_claim(user, queue)
    return {
        "queue": queue,
        "photos": [
            {"id": photo.pk, "url": reverse("admin:Pm_photo_image", args=[photo.content_sha256])} for photo in photos
        ],
        "waiting": {row.queue: str(row) for row in selectors.waiting(user)},
        "today": selectors.labelled_today(user),
        "can_undo": selectors.can_undo(user),
    }
