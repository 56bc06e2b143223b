// What is pasted becomes Markdown: text of a word processor or a page, an address over selected words, an image.

import { replace } from "./textarea.js";
import { uploadAll } from "./uploading.js";

const field = document.getElementById("source");
const ADDRESS = /^(?:https?:\/\/|mailto:)\S+$/i;
const MEANT = "h1,h2,h3,h4,h5,h6,ul,ol,table,a[href],strong,b,em,i,blockquote,pre,code,hr,[data-style*='font-weight'],[data-style*='font-style'],[class*='MsoList']";

/** Whether there is anything in pasted HTML that plain text would lose. Listings of code editors are plain text. */
function isRich(body) {
  const first = body.firstElementChild;
  if (first && /white-space:\s*pre/.test(first.getAttribute("data-style") ?? "")) return false;
  return body.querySelector(MEANT) !== null;
}

/** The document that was pasted; inert, so nothing of it is loaded or run. Its styles are read, never applied. */
function parsed(html) {
  const bare = html.replace(/<style[\s\S]*?<\/style>/gi, "").replace(/(<[^>]*?\s)style\s*=/gi, "$1data-style=");
  return new DOMParser().parseFromString(bare, "text/html").body;
}

function each(body, selector, change) {
  for (const element of [...body.querySelectorAll(selector)]) change(element);
}

/** In place of an element another one with its content. */
function as(name, element) {
  const made = element.ownerDocument.createElement(name);
  made.append(...element.childNodes);
  element.replaceWith(made);
  return made;
}

/** Bold and italic by style, as word processors on the web write them, become elements; and the other way round. */
function restyle(element) {
  const style = element.getAttribute("data-style") ?? "";
  const weight = style.match(/font-weight:\s*(\w+)/)?.[1];
  const plain = weight === "normal" || Number(weight) < 600;
  if (/^(B|STRONG)$/.test(element.tagName) && plain) return void element.replaceWith(...element.childNodes);
  if (!/^(SPAN|FONT|P)$/.test(element.tagName) || !element.textContent.trim()) return;
  for (const [is, name] of [[weight === "bold" || Number(weight) >= 600, "strong"], [/font-style:\s*italic/.test(style), "em"]]) {
    if (!is || element.closest("h1,h2,h3,h4,h5,h6,th")) continue;
    const made = element.ownerDocument.createElement(name);
    made.append(...element.childNodes);
    element.append(made);
  }
}

/** Word writes a list as paragraphs with their signs in them: "·" or "1." in a run that says it is to be ignored. */
function wordLists(body) {
  let open = [];
  each(body, "p[class*='MsoList'], p[data-style*='mso-list']", (paragraph) => {
    const style = paragraph.getAttribute("data-style") ?? "";
    const level = Number(style.match(/level(\d+)/)?.[1] ?? 1);
    const signs = [...paragraph.querySelectorAll("[data-style*='mso-list:Ignore'], [data-style*='mso-list: Ignore']")];
    const sign = signs.map((one) => one.textContent).join("").trim();
    for (const one of signs) one.remove();
    const before = paragraph.previousElementSibling;
    if (!open.length || before !== open[0].list) open = [];
    while (open.length && open.at(-1).level > level) open.pop();
    if (!open.length || open.at(-1).level < level) {
      const list = body.ownerDocument.createElement(/^\(?[\da-z]{1,3}[.)]/i.test(sign) ? "ol" : "ul");
      if (open.length) open.at(-1).list.lastElementChild.append(list);
      else paragraph.before(list);
      open.push({ level, list });
    }
    const item = body.ownerDocument.createElement("li");
    item.append(...paragraph.childNodes);
    open.at(-1).list.append(item);
    paragraph.remove();
  });
}

/** Only what is text, in elements that say what it is. */
function tidy(body) {
  each(body, "style,script,meta,link,title,xml,o\\:p,img,svg,input,button", (element) => element.remove());
  each(body, "[data-style*='mso-hide'], [data-style*='display:none'], [data-style*='display: none']", (element) => element.remove());
  wordLists(body);
  each(body, "[data-style]", restyle);
  each(body, "p.MsoTitle, p[class*='MsoTitle']", (element) => as("h2", element));
  each(body, "h1", (element) => as("h2", element)); // the title of an article is not part of its text
  each(body, "a[href]", (link) => {
    if (!/^(?:https?:|mailto:|\/|#)/i.test(link.getAttribute("href"))) link.replaceWith(...link.childNodes);
  });
  each(body, "li > p:only-of-type", (element) => element.replaceWith(...element.childNodes));
  each(body, "th > p, td > p, th > div, td > div", (element) => element.replaceWith(...element.childNodes, " "));
}

const flat = (text) => text.replace(/\s*\n\s*/g, " ").trim();

function tables(turndown) {
  turndown.addRule("cell", {
    filter: ["th", "td"],
    replacement: (content) => ` ${flat(content).replace(/(?<!\\)\|/g, "\\|")} |`,
  });
  turndown.addRule("row", {
    filter: "tr",
    replacement: (content, row) => {
      const table = row.closest("table");
      const first = table.querySelector("tr") === row;
      return `|${content}\n${first ? `|${" --- |".repeat(row.cells.length)}\n` : ""}`;
    },
  });
  turndown.addRule("parts", { filter: ["thead", "tbody", "tfoot"], replacement: (content) => content });
  turndown.addRule("table", { filter: "table", replacement: (content) => `\n\n${content.trim()}\n\n` });
}

async function converter() {
  const { default: Turndown } = await import("./vendor/turndown/turndown.browser.es.js");
  const turndown = new Turndown({
    headingStyle: "atx", hr: "---", bulletListMarker: "-", codeBlockStyle: "fenced", emDelimiter: "_",
  });
  tables(turndown);
  turndown.addRule("item", {
    filter: "li",
    replacement: (content, item) => {
      const list = item.parentNode;
      const place = [...list.children].indexOf(item) + Number(list.getAttribute("start") ?? 1);
      const sign = list.nodeName === "OL" ? `${place}. ` : "- ";
      return sign + content.trim().replace(/\n{2,}(?=\s*(?:[-*]|\d+\.) )/g, "\n").replace(/\n/g, `\n${" ".repeat(sign.length)}`) + (item.nextElementSibling ? "\n" : "");
    },
  });
  return turndown;
}

function insert(text) {
  replace(field, field.selectionStart, field.selectionEnd, text);
}

async function insertRich(body, plain) {
  try {
    const turndown = await converter();
    tidy(body);
    insert(turndown.turndown(body).replace(/\u00a0/g, " ").replace(/[ \t]+$/gm, "").trim() || plain);
  } catch {
    insert(plain); // without the converter the words are still worth having
  }
}

function paste(event) {
  const { clipboardData: data } = event;
  const plain = data.getData("text/plain");
  const html = data.getData("text/html");
  const { selectionStart: start, selectionEnd: end, value } = field;
  const chosen = value.slice(start, end);
  if (ADDRESS.test(plain.trim()) && chosen.trim() && !chosen.includes("\n") && !ADDRESS.test(chosen.trim())) {
    event.preventDefault();
    return insert(`[${chosen}](${plain.trim()})`);
  }
  const body = html && parsed(html);
  if (body && body.textContent.trim()) {
    if (!isRich(body)) return undefined;
    event.preventDefault();
    return void insertRich(body, plain);
  }
  const images = [...data.files].filter((file) => file.type.startsWith("image/"));
  if (!images.length) return undefined;
  event.preventDefault();
  return void uploadAll(images);
}

field?.addEventListener("paste", paste);
