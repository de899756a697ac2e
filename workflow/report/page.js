// Sorting and filtering of tables, filtering of claims, unfolding. The page is complete without it.
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
  const bar = document.createElement("div");
  const tests = [];
  let show = () => {};
  bar.className = "filter";
  const told = (row, column) => row.cells[column].textContent.trim();
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const values = "filter" in head.dataset ? [...new Set(rows.map((row) => told(row, column)))] : [];
    if (values.length < 2) return;
    const [label, choice] = ["label", "select"].map((name) => document.createElement(name));
    choice.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    choice.addEventListener("input", () => show());
    label.append(`${head.textContent.trim()} `, choice);
    bar.append(label, " ");
    tests.push((row) => ["", told(row, column)].includes(choice.value));
  });
  const [label, input, count] = ["label", "input", "output"].map((name) => document.createElement(name));
  input.type = "search";
  label.append("Rows that contain ", input);
  bar.append(label, " ", count);
  show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word)) || !tests.every((test) => test(row));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length} rows`;
  };
  input.addEventListener("input", () => show());
  show();
  box.before(bar);
}
const cards = [...document.querySelectorAll("#cards > article")];
const verdicts = [...new Set(cards.map((card) => card.dataset.verdict))];
if (verdicts.length > 1) { // a link to a card that is filtered out brings all back
  const [label, choice] = ["label", "select"].map((name) => document.createElement(name));
  label.className = "filter";
  choice.append(...["all", ...verdicts].map((verdict) => new Option(verdict)));
  label.append("Show claims that are ", choice);
  const show = (verdict) => cards.forEach((card) => { card.hidden = !["all", card.dataset.verdict].includes(verdict); });
  choice.addEventListener("input", () => show(choice.value));
  addEventListener("hashchange", () => { if (document.querySelector(":target")?.hidden) show((choice.value = "all")); });
  cards[0].parentElement.before(label);
}
const folded = [...document.querySelectorAll("details")];
if (folded.length) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "unfold";
  const say = (open) => { button.textContent = open ? "Fold everything" : "Unfold everything"; };
  button.addEventListener("click", () => {
    const open = button.textContent.startsWith("Unfold");
    for (const part of folded) part.open = open;
    say(open);
  });
  say(false);
  document.querySelector("nav").append(button);
  let opened = [];
  addEventListener("beforeprint", () => { // where the style sheet alone cannot open them
    opened = folded.filter((part) => !part.open && !part.classList.contains("appendix"));
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of opened) part.open = false; });
}
