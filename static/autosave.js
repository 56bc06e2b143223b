// What is typed is kept on the server every two seconds and on leaving, so that a crash loses a moment of it at most.

const PAUSE = 2000; // milliseconds between typing and keeping; not put off by typing on
const PATIENCE = 5000; // until another try when the server does not answer
const SMALL = 60_000; // bytes a browser still sends for a page that is gone

const form = document.querySelector("form[data-autosave]");

/** Everything typed; files are no text. */
function typed() {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  return data;
}

function post(address, data, { leaving = false } = {}) {
  const size = [...data.values()].reduce((sum, value) => sum + 3 * value.length, 1000);
  // As HTMX asks: whoever is signed out is told so, not sent to another page.
  return fetch(address, { method: "POST", body: data, keepalive: leaving && size < SMALL, headers: { "HX-Request": "true" } });
}

if (form) {
  const kept = document.getElementById("kept");
  let timer = 0;
  let changed = false;
  let done = false;

  const later = (pause) => { timer ||= setTimeout(keep, pause); };

  async function keep(leaving = false) {
    clearTimeout(timer);
    timer = 0;
    if (!changed || done) return;
    changed = false;
    const trouble = await send(leaving);
    if (done) return;
    kept.textContent = trouble ?? `What you typed is kept, ${new Date().toTimeString().slice(0, 8)}.`;
    kept.classList.toggle("bad", Boolean(trouble));
    if (!trouble) return;
    changed = true;
    later(PATIENCE);
  }

  async function send(leaving) {
    try {
      const reply = await post(form.dataset.autosave, typed(), { leaving });
      if (reply.ok) return null;
      return [401, 413, 422].includes(reply.status) ? await reply.text() : "What you type is not kept just now: save it soon.";
    } catch {
      return "The server does not answer, so what you type is not kept just now. It is still in this page.";
    }
  }

  /** Nobody is here any more. Said on sending too: the next page is made before this one is told that it is hidden. */
  function leave() {
    if (!form.dataset.company) return;
    const data = typed();
    for (const name of [...data.keys()]) if (!["csrfmiddlewaretoken", "key"].includes(name)) data.delete(name);
    data.set("left", "1");
    post(form.dataset.company, data, { leaving: true }).catch(() => {});
  }

  const note = ({ target }) => {
    if (target.type === "file") return;
    changed = true;
    later(PAUSE);
  };

  form.addEventListener("input", note);
  form.addEventListener("change", note);
  form.addEventListener("submit", () => { done = true; leave(); });
  addEventListener("pageshow", () => { done = false; });
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(true); });
  addEventListener("pagehide", () => {
    keep(true);
    leave();
  });
  if ("unsaved" in form.dataset) note({ target: form });
}
