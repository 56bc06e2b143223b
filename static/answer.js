// The ask and answer pages: follow an answer while it is written, pair citations with sources, copy.
// Frames are described in streaming/protocol.py. A position `at` counts UTF-16 units, as strings do here.

const MARK = /⟦(\d{1,4})⟧/;
const LONGEST_WAIT = 30;
const SILENCE = 40_000; // ms; the server says something every 15 s
const page = document.getElementById("answer");
const byId = (id) => document.getElementById(id);
const say = (text) => { const line = page.querySelector("[role=status]"); if (line.textContent !== text) line.textContent = text; };

// --- the text while it is written: appended to one text node, a <sup> for each mark, nothing ever read back;
// a block that is finished comes as HTML and takes the place of its text, so that the work for each piece stays the same

class LiveText {
  constructor(section) {
    this.at = Number(page.dataset.at);
    this.rest = page.dataset.rest; // the text that is not rendered yet
    this.live = section.querySelector(".live");
    this.caret = section.querySelector(".caret");
    this.held = ""; // a mark that has begun and not ended
    this.queue = []; // what has come and is not shown: pieces of text, and blocks
    this.asked = false;
    this.paused = false;
  }

  get block() { return this.at - this.rest.length; }

  // Whether the piece fits on; a gap means that something was lost.
  add(at, text) {
    if (at > this.at) return false;
    const fresh = text.slice(this.at - at);
    this.at += fresh.length;
    this.rest += fresh;
    this.later(fresh);
    return true;
  }

  // A finished block: its HTML was sanitised by the server, as on the page.
  render({ at, end, html }) {
    if (at !== this.block || end > this.at) return end <= this.block;
    this.rest = this.rest.slice(end - at);
    this.later({ html, rest: this.rest });
    return true;
  }

  later(news) {
    this.queue.push(news);
    if (this.asked || this.paused) return;
    this.asked = true;
    requestAnimationFrame(() => this.show());
    setTimeout(() => this.show(), 250); // a hidden tab draws no frames
  }

  pause(paused) {
    this.paused = paused;
    if (!paused) this.show();
  }

  show() {
    if (this.paused) return;
    this.asked = false;
    for (const news of this.queue.splice(0)) {
      if (typeof news === "string") this.write(news);
      else this.settle(news);
    }
  }

  settle({ html, rest }) {
    this.live.insertAdjacentHTML("beforebegin", html);
    this.live.replaceChildren(this.caret);
    this.held = "";
    this.write(rest);
  }

  write(fresh) {
    let text = this.held + fresh;
    const open = text.lastIndexOf("⟦");
    this.held = open >= 0 && !text.includes("⟧", open) ? text.slice(open) : "";
    text = text.slice(0, text.length - this.held.length);
    text.split(MARK).forEach((part, index) => (index % 2 ? this.mark(part) : this.append(part)));
  }

  append(text) {
    const last = this.caret.previousSibling;
    if (!text) return;
    if (last?.nodeType === Node.TEXT_NODE) last.appendData(text);
    else this.caret.before(text);
  }

  mark(number) {
    const sup = document.createElement("sup");
    sup.className = "cite";
    sup.textContent = number;
    this.caret.before(sup);
  }
}

// --- the stream

class Stream {
  constructor() {
    this.text = new LiveText(byId("text"));
    this.tries = 0;
    this.done = false;
    this.connect();
    setInterval(() => { if (this.isOpen && Date.now() - this.heard > SILENCE) this.lost(this.socket); }, 5000);
    addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.wake(); });
  }

  connect() {
    this.timer = 0;
    const address = new URL(page.dataset.socket, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.socket = socket;
    this.heard = Date.now();
    socket.onopen = () => this.follow();
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard = Date.now();
      this.take(JSON.parse(event.data));
    };
    socket.onclose = (event) => this.lost(socket, event.code);
  }

  // The socket is closed, or half open: nothing comes through it any more, and closing it may take minutes.
  lost(socket, code) {
    if (this.done || socket !== this.socket) return;
    this.socket = null;
    socket.close();
    if (code === 4404) location.reload(); // it is not ours any more: the page says so
    else this.later(() => this.connect());
  }

  follow() { this.send({ type: "follow", at: this.text.at, block: this.text.block }); }
  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }
  send(frame) { if (this.isOpen) this.socket.send(JSON.stringify(frame)); }

  take(frame) {
    if (frame.type !== "error") this.tries = 0;
    if (frame.type === "sources") showSources(frame);
    else if (frame.type === "token") { if (!this.text.add(frame.at, frame.text)) this.follow(); }
    else if (frame.type === "block") { if (!this.text.render(frame)) this.follow(); }
    else if (frame.type === "beat") this.send(frame);
    else if (frame.type === "error") this.refused = frame.message;
    else if (frame.type === "status") say(frame.text);
    else if (frame.type === "done") { this.done = true; this.finish(); }
  }

  // Tries again after a while, each time a longer one, and not at the same moment as everybody else.
  later(again) {
    const seconds = Math.max(1, Math.round(Math.min(LONGEST_WAIT, 2 ** this.tries++) * (0.75 + Math.random() / 2)));
    say(`${this.refused ?? "Connection lost."} Trying again in ${seconds} s; nothing is lost.`);
    this.refused = null;
    this.again = again;
    this.timer = setTimeout(() => { this.timer = 0; again(); }, seconds * 1000);
  }

  wake() {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.again();
  }

  // The page as the server shows it now, checked and complete, takes the place of what was shown live.
  async finish() {
    if (this.text.paused) return;
    try {
      const response = await fetch(location.pathname, { headers: { "HX-Request": "true" } });
      if (response.status === 404) return location.reload();
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("answer");
      if (fresh.dataset.socket) { this.done = false; this.later(() => this.connect()); }
      else complete(fresh);
    } catch {
      this.later(() => this.finish());
    }
  }
}

// While it is paused the answer is still written, and still comes; only what is shown stands still.
function offerPause(stream, button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const paused = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(paused));
    stream.text.pause(paused);
    if (!paused && stream.done) stream.finish();
  });
}

function showSources({ html, count, searched }) {
  const list = byId("sources");
  if (list.children.length) return;
  byId("searched").querySelector("span").textContent = searched;
  byId("searched").hidden = !searched;
  list.innerHTML = html; // rendered and escaped by our own template
  byId("sources-title").textContent = `${count} source${count === 1 ? "" : "s"}, ${byId("sources-title").dataset.found}`;
}

function complete(fresh) {
  const opened = [...page.querySelectorAll(".source:has(details[open])")].map((source) => source.id);
  const focused = document.activeElement?.closest("#status, #after");
  say(fresh.querySelector("[role=status]").textContent);
  for (const button of page.querySelectorAll("[data-stop], [data-pause]")) button.remove();
  for (const id of ["text", "beside", "after"]) {
    const next = fresh.querySelector(`#${id}`);
    byId(id).replaceWith(next);
    window.htmx?.process(next);
  }
  for (const id of opened) {
    byId(id)?.querySelector("details").setAttribute("open", "");
    byId(id)?.closest(".unused")?.setAttribute("open", "");
  }
  if (focused) page.querySelector("[role=status]").focus({ preventScroll: true });
  page.dataset.state = fresh.dataset.state;
  delete page.dataset.socket;
  offerCopies();
}

// --- citations and their sources: one pair is active, marked at both ends

function activate(citation, source) {
  for (const old of page.querySelectorAll(".cite[aria-current], .source[aria-current]")) old.removeAttribute("aria-current");
  for (const old of page.querySelectorAll("[data-active]")) delete old.dataset.active;
  citation?.setAttribute("aria-current", "true");
  source?.setAttribute("aria-current", "true");
  source?.querySelector("details")?.setAttribute("open", "");
  const sentence = citation?.closest(".sentence");
  if (!sentence) return;
  sentence.dataset.active = "";
  const passages = source?.querySelectorAll(`mark[data-sentences~="${sentence.id.slice(1)}"]`) ?? [];
  for (const passage of passages) passage.dataset.active = "";
}

function onCitation(event) {
  const link = event.target.closest("a[href^='#']");
  if (!link || !page.contains(link)) return;
  const target = byId(link.hash.slice(1));
  if (link.matches(".cite:not(.dagger)")) activate(link, target);
  else if (target?.matches(".sentence")) activate(target.querySelector(`.cite[href="#${link.closest(".source")?.id}"]`), link.closest(".source"));
}

// --- copying

function offerCopies() {
  for (const button of document.querySelectorAll("[data-copies], .listing [data-copy]")) button.hidden = !navigator.clipboard;
}

async function onCopy(event) {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const link = location.origin + location.pathname;
  await navigator.clipboard.writeText(button.dataset.copies === "link" ? link : byId("copyable").content.textContent);
  const label = button.querySelector("span");
  const words = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = words; }, 1500);
}

// --- asking: tell the server that we follow by ourselves, so that it need not wait for the complete answer

document.addEventListener("formdata", (event) => event.formData.set("live", "1"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("[data-enter]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// A question that a link or another page of ours brings along is asked at once, and Back does not ask it again.
async function askNow(form) {
  const arrived = performance.getEntriesByType("navigation")[0]?.type === "navigate";
  if (!arrived || !document.referrer.startsWith(`${location.origin}/`)) return;
  const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
  const address = response.headers.get("HX-Redirect");
  if (address) location.replace(address);
  else form.requestSubmit();
}

const ready = document.querySelector("form[data-now]");
if (ready) askNow(ready);
if (page) {
  const stream = page.dataset.socket ? new Stream() : null;
  page.addEventListener("click", onCitation);
  page.addEventListener("click", onCopy);
  if (stream) offerPause(stream, page.querySelector("[data-pause]"));
  page.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-stop]") || !stream?.isOpen) return;
    event.preventDefault();
    stream.send({ type: "stop" });
  });
  offerCopies();
}
