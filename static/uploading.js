// Images by button, by drag and drop, and by paste: sent at once, with a mark in the text where each will stand.

import { replace } from "./textarea.js";

const field = document.getElementById("source");
const TYPES = "image/png,image/jpeg,image/gif,image/webp";
const status = document.getElementById("uploads");
let count = 0;

/** Exchange the mark of an upload for its image, wherever it has come to stand, and leave the caret where it is. */
function settle(mark, text) {
  const place = field.value.indexOf(mark);
  if (place < 0) return;
  const { selectionStart: start, selectionEnd: end } = field;
  replace(field, place, place + mark.length, text);
  const moved = (offset) => (offset <= place ? offset : Math.max(place, offset + text.length - mark.length));
  field.setSelectionRange(moved(start), moved(end));
}

function line() {
  const made = document.createElement("p");
  made.className = "row notes";
  status.append(made);
  return made;
}

function told(place, text, { bad = false } = {}) {
  place.replaceChildren(text);
  place.classList.toggle("bad", bad);
  if (!bad) setTimeout(() => place.remove(), 4000);
}

function send(file, place) {
  return new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", `Uploading ${file.name}`);
    place.replaceChildren(`${file.name} `, bar);
    asked.upload.addEventListener("progress", ({ loaded, total }) => { bar.value = total ? loaded / total : 0; });
    asked.addEventListener("load", () => {
      if (asked.status === 201) resolve(asked.responseText);
      else if ([401, 413, 422].includes(asked.status) && asked.responseText.length < 400) reject(new Error(asked.responseText));
      else reject(new Error("The server could not take the image. Try once more."));
    });
    asked.addEventListener("error", () => reject(new Error("The server does not answer. Try once more.")));
    const data = new FormData();
    data.append("file", file, file.name);
    data.append("csrfmiddlewaretoken", document.querySelector("#article [name=csrfmiddlewaretoken]").value);
    asked.open("POST", status.dataset.address);
    asked.setRequestHeader("HX-Request", "true");
    asked.send(data);
  });
}

async function upload(file) {
  count += 1;
  const mark = `![Uploading ${file.name.replace(/[[\]\n]/g, "")} (${count})…]()`;
  const { selectionStart: start, selectionEnd: end } = field;
  replace(field, start, end, mark);
  const place = line();
  try {
    settle(mark, await send(file, place));
    told(place, `${file.name} is in the text: say in the brackets what it shows.`);
  } catch (error) {
    settle(mark, "");
    told(place, `${file.name}: ${error.message}`, { bad: true });
  }
}

const dropped = (data) => [...(data?.files ?? [])];

/** One after the other, so that they stand in the text in their order. */
export async function uploadAll(files) {
  for (const file of files) await upload(file);
}

if (field && status) {
  field.addEventListener("editor:image", () => {
    const chooser = Object.assign(document.createElement("input"), { type: "file", accept: TYPES, multiple: true });
    chooser.addEventListener("change", () => uploadAll(chooser.files));
    chooser.click();
  });
  field.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    field.classList.add("over");
  });
  field.addEventListener("dragleave", () => field.classList.remove("over"));
  field.addEventListener("drop", (event) => {
    field.classList.remove("over");
    const files = dropped(event.dataTransfer);
    if (!files.length) return;
    event.preventDefault();
    uploadAll(files);
  });
}
