// The editor's pages: never leave unsaved text by accident, save from the keyboard, and stay where one was after saving.

const form = document.querySelector("form[data-guarded]");
const KEPT = ["title", "source"];

/** Everything typed, as one string; the token is not typed. */
function typed() {
  const data = new FormData(form);
  data.delete("csrfmiddlewaretoken");
  return new URLSearchParams(data).toString();
}

/** Signing in again in another tab changes the token; without the new one, saving would be refused. */
function refreshToken() {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  if (token) for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
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

if (form) {
  const before = "unsaved" in form.dataset ? null : typed();
  let leaving = false;

  addEventListener("beforeunload", (event) => {
    if (!leaving && typed() !== before) event.preventDefault();
  });
  form.addEventListener("submit", () => {
    leaving = true;
    refreshToken();
    remember();
  });
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("focus", refreshToken);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "s") {
      event.preventDefault();
      form.requestSubmit(document.querySelector('button[form="article"][value="save"]'));
    }
  });
  document.getElementById("title")?.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // a title is one line; it wraps by itself
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    const trouble = document.getElementById("trouble");
    if (!trouble || event.detail.xhr.status !== 401) return;
    trouble.textContent = event.detail.xhr.responseText;
    trouble.hidden = false;
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    const trouble = document.getElementById("trouble");
    if (trouble) trouble.hidden = true;
  });
  recall();
}
