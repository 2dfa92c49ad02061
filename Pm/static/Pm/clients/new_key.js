// The page that shows a new key: a button that copies it; to load the page again must not make another one.
const key = document.getElementById("key");
const told = document.getElementById("copied");

history.replaceState(null, "", key.dataset.changeUrl);

document.getElementById("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(key.textContent); // absent where the page came by plain HTTP from another machine
    told.textContent = told.dataset.copied;
  } catch {
    getSelection().selectAllChildren(key);
    told.textContent = document.execCommand("copy") ? told.dataset.copied : told.dataset.failed;
  }
});
