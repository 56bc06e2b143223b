// The list of articles: how many are selected, and all of a page with one click. The list itself is replaced by htmx.

const boxes = () => [...document.querySelectorAll('input[name="article"][form="bulk"]')];

function tell() {
  const place = document.querySelector("[data-selected]");
  if (!place) return;
  const all = document.querySelector('#bulk input[name="all"]')?.checked;
  const chosen = boxes().filter((box) => box.checked).length;
  place.textContent = all ? "All that match:" : chosen ? `${chosen} selected:` : "With the selected:";
  const every = document.querySelector("[data-every]");
  every.hidden = false;
  const box = every.querySelector("input");
  box.checked = chosen > 0 && chosen === boxes().length;
  box.indeterminate = chosen > 0 && !box.checked;
}

document.addEventListener("change", ({ target }) => {
  if (target.closest("[data-every]")) for (const box of boxes()) box.checked = target.checked;
  if (target.closest("#bulk, [data-every]") || target.form?.id === "bulk") tell();
});
document.body.addEventListener("htmx:afterSettle", tell);
addEventListener("pageshow", tell);
