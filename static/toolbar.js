// The bar above the text: marks, lists, tables, links and images by button and by key, all taken back by Ctrl-Z.

import { table } from "./tables.js";
import { insertBlock, lines, replace } from "./textarea.js";

const ITEM = /^(\s*)(?:([-*+])|(\d+)([.)]))( \[[ xX]\])? (.*)$/;
const MARKER = /^(\s*)(?:[-*+] (?:\[[ xX]\] )?|\d+[.)] |> )?/;

const field = document.getElementById("source");
const bar = document.getElementById("toolbar");

/** Marks around the selection; the same again takes them away. */
function wrap(mark) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const chosen = value.slice(start, end);
  const size = mark.length;
  if (value.slice(start - size, start) === mark && value.slice(end, end + size) === mark) {
    replace(field, start - size, end + size, chosen, [0, chosen.length]);
  } else if (chosen.length > 2 * size && chosen.startsWith(mark) && chosen.endsWith(mark)) {
    const bare = chosen.slice(size, -size);
    replace(field, start, end, bare, [0, bare.length]);
  } else {
    replace(field, start, end, mark + chosen + mark, [size, size + chosen.length]);
  }
}

/** Each line of the selection changed. */
function change(rewrite) {
  const { start, end, text } = lines(field);
  const made = text.split("\n").map(rewrite).join("\n");
  replace(field, start, end, made, text.includes("\n") ? [0, made.length] : [made.length, made.length]);
}

function list(marker, known) {
  const every = lines(field).text.split("\n").filter((line) => line.trim());
  const all = every.length > 0 && every.every((line) => known.test(line));
  let number = 0;
  change((line) => {
    if (!line.trim() && every.length) return line;
    number += 1;
    return line.replace(MARKER, all ? "$1" : `$1${marker(number)} `);
  });
}

/** Text, heading, smaller heading, smaller still, and text again. */
function heading() {
  change((line) => {
    const level = line.match(/^(#+) /)?.[1].length ?? 1;
    const bare = line.replace(/^#+ /, "");
    return level >= 4 ? bare : `${"#".repeat(level + 1)} ${bare}`;
  });
}

function code() {
  const chosen = field.value.slice(field.selectionStart, field.selectionEnd);
  if (chosen.includes("\n")) return insertBlock(field, `\`\`\`\n${chosen.replace(/\n$/, "")}\n\`\`\``, [3, 3]);
  return wrap("`");
}

/** A list goes on with Enter, and ends with Enter on an empty item. */
function goOn(event) {
  if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const { selectionStart: at, selectionEnd: end, value } = field;
  const start = value.lastIndexOf("\n", at - 1) + 1;
  const item = at === end && value.slice(start, at).match(ITEM);
  if (!item) return;
  event.preventDefault();
  const [whole, indent, bullet, number, dot, box, text] = item;
  if (!text.trim()) return replace(field, start, start + whole.length, "");
  replace(field, at, at, `\n${indent}${bullet ?? `${Number(number) + 1}${dot}`}${box ? " [ ]" : ""} `);
}

const ACTIONS = {
  bold: () => wrap("**"),
  italic: () => wrap("_"),
  heading,
  link: () => field.dispatchEvent(new CustomEvent("editor:link")),
  bullets: () => list(() => "-", /^\s*[-*+] /),
  numbers: () => list((number) => `${number}.`, /^\s*\d+[.)] /),
  quote: () => list(() => ">", /^\s*> /),
  code,
  table: () => table(field),
  image: () => field.dispatchEvent(new CustomEvent("editor:image")),
};
const KEYS = { b: "bold", i: "italic", k: "link", e: "code" };
const SHIFTED = { Digit7: "numbers", Digit8: "bullets", Digit9: "quote" };

function action(event) {
  if (!(event.ctrlKey || event.metaKey)) return null;
  if (event.altKey) return event.code === "KeyH" ? "heading" : event.code === "KeyT" ? "table" : null;
  return event.shiftKey ? SHIFTED[event.code] : KEYS[event.key.toLowerCase()];
}

/** One tab stop for the bar; arrows lead from button to button. */
function walk(event) {
  const buttons = [...bar.querySelectorAll("button")];
  const here = buttons.indexOf(event.target);
  const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (here < 0 || next === undefined) return;
  event.preventDefault();
  rest(buttons.at(next % buttons.length));
  buttons.at(next % buttons.length).focus();
}

function rest(button) {
  for (const other of bar.querySelectorAll("button")) other.tabIndex = other === button ? 0 : -1;
}

if (field && bar) {
  bar.hidden = false;
  rest(bar.querySelector("button"));
  bar.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-do]");
    if (!button) return;
    rest(button);
    ACTIONS[button.dataset.do]();
  });
  bar.addEventListener("keydown", walk);
  field.addEventListener("keydown", goOn);
  field.addEventListener("keydown", (event) => {
    const wanted = action(event);
    if (!wanted) return;
    event.preventDefault();
    ACTIONS[wanted]();
  });
}
