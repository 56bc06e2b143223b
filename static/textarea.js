// Changes to a textarea that its own undo takes back again.

/** Put text in place of a part of the field; `select` is what is selected after, counted from the start of the text. */
export function replace(field, start, end, text, select = [text.length, text.length]) {
  field.focus();
  field.setSelectionRange(start, end);
  // The one way whose changes Ctrl-Z knows, deprecated or not; where it does nothing, the change itself still counts.
  const done = text ? document.execCommand("insertText", false, text) : start === end || document.execCommand("delete");
  if (!done) {
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  field.setSelectionRange(start + select[0], start + select[1]);
}

/** The whole lines of the selection: where they begin, where they end, and what they say. */
export function lines(field) {
  const start = field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
  const next = field.value.indexOf("\n", field.selectionEnd);
  const end = next < 0 ? field.value.length : next;
  return { start, end, text: field.value.slice(start, end) };
}

/** A text as a block of its own: a blank line before it and after it, unless there is one. */
export function insertBlock(field, text, select) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const before = value.slice(0, start);
  const after = value.slice(end);
  const lead = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  const tail = !after || after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
  const place = select ?? [text.length, text.length];
  replace(field, start, end, lead + text + tail, place.map((offset) => offset + lead.length));
}
