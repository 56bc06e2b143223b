// On every page: copy buttons, "/" for the search box, arrow keys in results, where one is in the contents list.
// Nothing here is needed to read, search or ask.

function showCopyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = !navigator.clipboard;
}

async function copyListing(button) {
  const code = button.closest("figure").querySelector("code");
  await navigator.clipboard.writeText(code.textContent);
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
}

// Signing in again in another tab changes the token; without the new one, what is sent would be refused.
function refreshToken() {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  if (token) for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
}

function isTyping(element) {
  return element.isContentEditable || element.matches("input, textarea, select");
}

function focusSearch(event) {
  const box = document.querySelector("input[type=search]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !box || isTyping(event.target)) return;
  event.preventDefault();
  box.focus();
  box.select();
}

// Down from the search box to the first result, and on from result to result; Escape leads back to the box.
function walkResults(event) {
  const box = document.querySelector("input[type=search][aria-controls]");
  const links = [...document.querySelectorAll("#found .contents h2 a")];
  const here = links.indexOf(event.target);
  if (!box || (event.target !== box && here < 0)) return;
  if (event.key === "Escape" && here >= 0) box.focus();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !links.length) return;
  const next = here + step;
  if (next >= links.length || (next < 0 && here < 0)) return;
  event.preventDefault();
  (next < 0 ? box : links[next]).focus();
}

// The heading above the reading line is the current one; the contents list says so.
function followContents(list) {
  const links = new Map([...list.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  const mark = () => {
    const line = innerHeight / 4;
    const passed = headings.filter((heading) => heading.getBoundingClientRect().top < line);
    const atEnd = scrollY > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    const current = atEnd ? headings.at(-1) : passed.at(-1);
    for (const [id, link] of links) {
      if (id === current?.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  let asked = false;
  addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; mark(); });
  }, { passive: true });
  mark();
}

function sayThatItFailed() {
  const status = document.getElementById("count");
  if (status) status.textContent = "No answer from the server. Press Search to try again.";
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copyListing(button);
});
document.addEventListener("submit", refreshToken);
addEventListener("focus", refreshToken);
document.addEventListener("keydown", focusSearch);
document.addEventListener("keydown", walkResults);
document.addEventListener("htmx:load", (event) => showCopyButtons(event.target));
document.addEventListener("htmx:afterSettle", (event) => event.target.querySelector?.("[data-focus]")?.focus());
document.addEventListener("htmx:sendError", sayThatItFailed);
document.addEventListener("htmx:responseError", sayThatItFailed);
showCopyButtons(document);
for (const list of document.querySelectorAll("[data-contents]")) followContents(list);
