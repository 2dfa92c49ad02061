// The labelling queue without reloading: keys O, N, S and U, the next photo fetched ahead, the leases kept alive.
// Without scripts the same forms post and the page comes anew.
const RENEW_MS = 60_000;
const page = document.getElementById("labelling");
const answer = document.getElementById("answer");
const undo = document.getElementById("undo");
const token = undo.elements.csrfmiddlewaretoken.value;
const ahead = new Image();
let busy = false;

async function post(form, values) {
  if (busy) return;
  busy = true;
  try {
    const body = new FormData(form);
    for (const [name, value] of Object.entries(values)) body.set(name, value);
    const reply = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (reply.redirected || reply.status === 403) return location.reload(); // signed out, or in anew, meanwhile
    if (!reply.ok && reply.status !== 409) throw new Error(String(reply.status)); // 409: somebody else has it now
    const state = await reply.json();
    show(state, state.message ?? (form === undo ? page.dataset.undone : page.dataset.saved));
  } catch {
    say(page.dataset.failed);
  } finally {
    busy = false;
  }
}

function say(text) {
  document.getElementById("said").textContent = text;
}

function show(state, text) {
  if (state.photos.length === 0 || !answer || state.queue !== answer.elements.queue.value) {
    location.assign(`?queue=${state.queue}`);
    return;
  }
  document.getElementById("photo").src = state.photos[0].url;
  answer.elements.photo.value = state.photos[0].id;
  document.getElementById("today").textContent = state.today;
  for (const count of page.querySelectorAll("[data-queue]")) count.textContent = state.waiting[count.dataset.queue];
  undo.querySelector("button").disabled = !state.can_undo;
  say(text);
  fetchAhead(state);
}

function fetchAhead(state) {
  if (state.photos.length > 1) ahead.src = state.photos[1].url;
}

for (const form of [answer, undo]) {
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    post(form, button?.name ? { [button.name]: button.value } : {});
  });
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=hidden]), textarea, select, [contenteditable]")) return;
  const button = page.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
});

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  fetch(page.dataset.renew, { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => {});
}, RENEW_MS);

const first = document.getElementById("labelling-state");
if (first) fetchAhead(JSON.parse(first.textContent));
