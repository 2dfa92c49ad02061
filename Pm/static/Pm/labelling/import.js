// Sends a zip in pieces, each below the server's limit of a body, and shows how far the import is.
const LOOK_MS = 1000;
const form = document.getElementById("import");
const bar = form.querySelector("progress");
const status = form.querySelector("[role=status]");
const button = form.querySelector("button");

async function send(file) {
  const size = Number(form.dataset.bytes);
  let upload = "";
  for (let offset = 0; offset < file.size; offset += size) {
    const query = new URLSearchParams({
      upload,
      offset,
      total: file.size,
      name: file.name,
      group: form.elements.group.value,
      label_from_folders: form.elements.label_from_folders.checked,
    });
    const reply = await fetch(`${form.dataset.piece}?${query}`, {
      method: "POST",
      body: file.slice(offset, offset + size),
      headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, "Content-Type": "application/octet-stream" },
    });
    const said = reply.headers.get("Content-Type")?.startsWith("application/json") ? await reply.json() : {};
    if (!reply.ok || !said.upload) throw new Error(said.message ?? form.dataset.failed);
    upload = said.upload;
    bar.value = Math.min(1, (offset + size) / file.size);
  }
}

async function look() {
  const here = document.getElementById("imports-here");
  const open = here.querySelector("details[open]") !== null;
  if (!open) {
    const reply = await fetch(form.dataset.state).catch(() => null);
    if (reply?.ok && !reply.redirected) here.innerHTML = await reply.text();
  }
  if (document.getElementById("imports").dataset.running) setTimeout(look, LOOK_MS);
}

// unfold writes the name of a chosen file into the nearest input[type=text], which here would be none of the file's.
form.addEventListener("change", (event) => event.target.type === "file" && event.stopPropagation(), true);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = form.elements.zip.files[0];
  if (!file || file.size === 0) {
    status.textContent = form.dataset.none;
    return;
  }
  button.disabled = true;
  bar.hidden = false;
  status.textContent = "";
  try {
    await send(file);
    form.reset();
  } catch (error) {
    status.textContent = error.message;
  } finally {
    button.disabled = false;
    bar.hidden = true;
  }
  look();
});

if (document.getElementById("imports").dataset.running) setTimeout(look, LOOK_MS);
