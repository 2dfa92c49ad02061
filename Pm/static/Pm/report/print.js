// Shows the button that prints: without scripts the browser's own menu does.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
// What is folded away on the screen belongs on paper.
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll(".report details")) details.open = true;
});
