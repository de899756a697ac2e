// Sorting and filtering of tables. The page is complete without it.
"use strict";
for (const box of document.querySelectorAll("[data-sortable]")) {
  const table = box.querySelector("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  if (rows.length < 3) continue;
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.classList.contains("state") ? "" : cell.dataset.sort ?? cell.textContent.trim();
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // cells without a value come last
    const difference = Number(a) - Number(b);
    return Number.isNaN(difference) ? a.localeCompare(b) : difference;
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const valued = rows.filter((row) => key(row, column) !== "");
      valued.sort((a, b) => compare(key(a, column), key(b, column)) * (down ? -1 : 1));
      body.append(...valued, ...rows.filter((row) => key(row, column) === ""));
    });
  });
  if (rows.length < 16) continue;
  const label = document.createElement("label");
  const input = document.createElement("input");
  const count = document.createElement("output");
  label.className = "filter";
  input.type = "search";
  label.append("Rows that contain ", input, " ", count);
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length} rows`;
  };
  input.addEventListener("input", show);
  show();
  box.before(label);
}
