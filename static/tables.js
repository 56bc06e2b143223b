// Markdown tables in a textarea: a new one, one more row, and columns that stand under each other.

import { insertBlock, replace } from "./textarea.js";

const NEW = "| Name | Meaning |\n| --- | --- |\n|  |  |";
const ROW = /^\s*\|.*\|\s*$/;
const DIVISION = /^:?-+:?$/;

/** In a table: one more row below, and straight columns. Elsewhere: a new table, its first heading selected. */
export function table(field) {
  const found = around(field);
  if (!found) return insertBlock(field, NEW, [2, 6]);
  const cells = found.rows.map(split);
  const width = Math.max(...cells.map((row) => row.length));
  const at = Math.max(found.here, 1) + 1;
  cells.splice(at, 0, Array(width).fill(""));
  const made = straight(cells, width);
  const caret = made.slice(0, at).join("\n").length + 3;
  replace(field, found.start, found.end, made.join("\n"), [caret, caret]);
}

/** The table in which the caret stands. */
function around(field) {
  const all = field.value.split("\n");
  const here = field.value.slice(0, field.selectionStart).split("\n").length - 1;
  if (!ROW.test(all[here])) return null;
  let first = here;
  let last = here;
  while (first > 0 && ROW.test(all[first - 1])) first -= 1;
  while (last + 1 < all.length && ROW.test(all[last + 1])) last += 1;
  const start = all.slice(0, first).reduce((sum, line) => sum + line.length + 1, 0);
  const rows = all.slice(first, last + 1);
  return { start, end: start + rows.join("\n").length, rows, here: here - first };
}

function split(row) {
  return row.trim().slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim());
}

function straight(cells, width) {
  const longest = Array.from({ length: width }, (_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? "").length)));
  return cells.map((row) => `| ${longest.map((room, column) => padded(row[column] ?? "", room)).join(" | ")} |`);
}

function padded(cell, room) {
  if (!DIVISION.test(cell)) return cell.padEnd(room);
  const left = cell.startsWith(":") ? ":" : "";
  const right = cell.endsWith(":") ? ":" : "";
  return left + "-".repeat(room - left.length - right.length) + right;
}
