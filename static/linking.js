// The link to an article, found by its title, or to an address: a dialog for the keyboard as much as for the mouse.

import { replace } from "./textarea.js";

const ADDRESS = /^(?:https?:\/\/|mailto:|\/|#)\S+$/i;
const field = document.getElementById("source");
const dialog = document.getElementById("linker");

if (field && dialog) {
  const box = dialog.querySelector("input");
  let chosen = [0, 0];

  const results = () => [...dialog.querySelectorAll("[data-href]")];

  function open() {
    chosen = [field.selectionStart, field.selectionEnd];
    box.value = field.value.slice(...chosen).split("\n")[0].slice(0, 100);
    dialog.showModal();
    box.select();
    box.dispatchEvent(new Event("look"));
  }

  function link(address, title) {
    dialog.close();
    const text = field.value.slice(...chosen) || title;
    // What is still to be written stands selected: the words of the link, unless they were there before.
    replace(field, ...chosen, `[${text}](${address})`, [1, 1 + text.length]);
  }

  field.addEventListener("editor:link", open);
  dialog.addEventListener("close", () => field.focus());
  dialog.addEventListener("click", ({ target }) => {
    const result = target.closest("[data-href]");
    if (result) link(result.dataset.href, result.dataset.title);
    else if (target.closest("[data-cancel]")) dialog.close();
  });
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = box.value.trim();
    if (ADDRESS.test(typed)) link(typed, typed);
    else results()[0]?.click();
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const stops = [box, ...results()];
    stops[Math.min(Math.max(stops.indexOf(document.activeElement) + step, 0), stops.length - 1)].focus();
  });
}
