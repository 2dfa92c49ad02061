// The models' page: when a roll-out begins or ends, the forms for the next change are others, so load the page anew;
// not while somebody writes a reason.
const state = () => document.getElementById("models-now")?.dataset.state;
const shown = state();

document.body.addEventListener("htmx:afterSettle", () => {
  const writes = document.querySelector("details[open] form");
  if (state() !== undefined && state() !== shown && !writes) {
    location.reload();
  }
});
