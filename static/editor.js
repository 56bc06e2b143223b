// The editor's pages: never leave unsaved text by accident, save from the keyboard, and stay where one was after saving.

const form = document.querySelector("form[data-guarded]");
const KEPT = ["title", "source"];
const UNTYPED = ["csrfmiddlewaretoken", "key", "met"];

/** Everything typed, as one string. */
function typed() {
  const data = new FormData(form);
  for (const name of UNTYPED) data.delete(name);
  return new URLSearchParams(data).toString();
}

/** Where the reader's eye and the caret are, for the page that comes back after saving. */
function remember() {
  const active = document.activeElement;
  const place = { path: location.pathname, top: scrollY, id: KEPT.includes(active?.id) ? active.id : "" };
  if (place.id) Object.assign(place, { start: active.selectionStart, end: active.selectionEnd });
  sessionStorage.setItem("editor-place", JSON.stringify(place));
}

function recall() {
  const place = JSON.parse(sessionStorage.getItem("editor-place") ?? "null");
  sessionStorage.removeItem("editor-place");
  if (place?.path !== location.pathname) return;
  const field = place.id && document.getElementById(place.id);
  if (field) {
    field.focus({ preventScroll: true });
    field.setSelectionRange(place.start, place.end);
  }
  scrollTo({ top: place.top, behavior: "instant" });
}

function say(trouble) {
  const place = document.getElementById("trouble");
  if (!place) return;
  place.textContent = trouble;
  place.hidden = !trouble;
}

if (form) {
  const before = "unsaved" in form.dataset ? null : typed();
  let leaving = false;

  addEventListener("beforeunload", (event) => {
    if (!leaving && typed() !== before) event.preventDefault();
  });
  form.addEventListener("submit", () => {
    leaving = true;
    remember();
  });
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "s") {
      event.preventDefault();
      form.requestSubmit(document.querySelector('button[form="article"][value="save"]'));
    }
  });
  document.getElementById("title")?.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // a title is one line; it wraps by itself
  });
  // While developing, django-htmx puts an error page in the place of this one; the text in it is worth more.
  document.body.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status >= 400) event.stopPropagation();
  });
  form.addEventListener("htmx:responseError", ({ detail: { xhr, target } }) => {
    if (target.id === "preview") say([401, 413].includes(xhr.status) ? xhr.responseText : "The preview could not be made. Your text is still in this page.");
  });
  form.addEventListener("htmx:sendError", ({ detail: { target } }) => {
    if (target.id === "preview") say("The server does not answer. Your text is still in this page: wait a little before you save.");
  });
  form.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (target.id === "preview") say("");
  });
  recall();
}
