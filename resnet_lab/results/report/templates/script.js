"use strict";
(() => {
  const get = (id) => document.getElementById(id);

  // The theme: that of the system, dark, or light.
  const themes = ["auto", "dark", "light"];
  const setTheme = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    get("theme").textContent = "theme: " + theme;
  };
  get("theme").addEventListener("click", () => {
    const now = document.documentElement.dataset.theme || "auto";
    setTheme(themes[(themes.indexOf(now) + 1) % themes.length]);
  });

  // Paper shows everything; a link to a variant opens its part.
  addEventListener("beforeprint", () => document.querySelectorAll(".variant").forEach((part) => { part.open = true; }));
  const openTarget = () => {
    const part = get(decodeURIComponent(location.hash.slice(1)));
    if (part && part.tagName === "DETAILS") part.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();

  // The table of trials: the rows that pass the filter, in the order that was chosen, one page at a time.
  const columns = JSON.parse(get("data").textContent);
  const count = columns.length ? columns[0].values.length : 0;
  const SIZE = 100;
  let sorted = null, falling = false, rows = [], page = 0;

  const text = (column, row) => {
    const value = column.values[row];
    if (column.kind === "text") return column.words[value];
    if (value === null) return "";
    if (column.kind === "share") return value.toFixed(4);
    if (column.kind === "count") {
      for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
        if (value >= size) return (value / size).toFixed(2) + letter;
    }
    if (Number.isInteger(value)) return String(value);
    return Math.abs(value) >= 10 ? value.toFixed(1) : String(Number(value.toPrecision(4)));
  };

  const compare = {
    "=": (a, b) => a === b, "!=": (a, b) => a !== b,
    "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  };

  // A test of a row for one part of the filter: a condition on a column, or a word that some text holds.
  const test = (part) => {
    const found = /^([^<>=!]+)(<=|>=|!=|<|>|=)(.*)$/.exec(part);
    const column = found && columns.find((one) => one.name === found[1] || one.head.replace(/ /g, "_") === found[1]);
    if (found && !column) throw new Error("there is no column '" + found[1] + "'");
    if (column && column.kind === "text") {
      const passes = column.words.map((word) => compare[found[2]](word, found[3]));
      return (row) => passes[column.values[row]];
    }
    if (column) {
      const wanted = Number(found[3]);
      if (found[3] === "" || Number.isNaN(wanted)) throw new Error("'" + found[3] + "' is no number");
      return (row) => column.values[row] !== null && compare[found[2]](column.values[row], wanted);
    }
    const word = part.toLowerCase();
    const texts = columns.filter((one) => one.kind === "text");
    const passes = texts.map((one) => one.words.map((known) => known.toLowerCase().includes(word)));
    return (row) => texts.some((one, index) => passes[index][one.values[row]]);
  };

  const select = () => {
    const parts = get("filter").value.match(/("[^"]*"|[^\s"])+/g) || [];
    try {
      const tests = parts.map((part) => test(part.replace(/"/g, "")));
      rows = [];
      for (let row = 0; row < count; row++) if (tests.every((one) => one(row))) rows.push(row);
      get("found").textContent = (tests.length ? rows.length + " of " : "") + count + " trials";
    } catch (error) {
      get("found").textContent = error.message;
      return;
    }
    order();
    page = 0;
    show();
  };

  const order = () => {
    if (sorted === null) return;
    let keys = sorted.values;
    if (sorted.kind === "text") {
      const ranks = [];
      const collator = new Intl.Collator("en", { numeric: true });
      sorted.words.map((word, index) => [word, index]).sort((a, b) => collator.compare(a[0], b[0]))
        .forEach((pair, rank) => { ranks[pair[1]] = rank; });
      keys = sorted.values.map((index) => (sorted.words[index] === "" ? null : ranks[index]));
    }
    const sign = falling ? -1 : 1;
    rows.sort((a, b) => {
      if (keys[a] === null || keys[b] === null) return (keys[a] === null) - (keys[b] === null) || a - b;
      return sign * (keys[a] - keys[b]) || a - b;
    });
  };

  const element = (name, content, className) => {
    const made = document.createElement(name);
    if (content !== undefined) made.textContent = content;
    if (className) made.className = className;
    return made;
  };

  const show = () => {
    const shown = columns.filter((column) => column.shown);
    const head = element("tr");
    for (const column of shown) {
      const cell = element("th", undefined, column.kind === "text" ? "" : "number");
      const mark = column === sorted ? (falling ? " ▼" : " ▲") : "";
      const button = element("button", column.head + mark);
      button.type = "button";
      button.title = column.name;
      button.addEventListener("click", () => {
        falling = sorted === column ? !falling : column.kind !== "text";
        sorted = column;
        order();
        page = 0;
        show();
      });
      if (column === sorted) cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
      cell.append(button);
      head.append(cell);
    }
    const status = columns.find((column) => column.name === "status");
    const body = rows.slice(page * SIZE, (page + 1) * SIZE).map((row) => {
      const ended = status ? text(status, row) : "ok";
      const line = element("tr", undefined, ended === "ok" ? "" : ended === "stopped" ? "stopped" : "bad");
      for (const column of shown) {
        const cell = element("td", text(column, row), column.kind === "text" ? "" : "number");
        if (column.kind === "text") cell.title = cell.textContent;
        line.append(cell);
      }
      return line;
    });
    get("table").tHead.replaceChildren(head);
    get("table").tBodies[0].replaceChildren(...body);
    const pages = Math.max(1, Math.ceil(rows.length / SIZE));
    get("page").textContent = "page " + (page + 1) + " of " + pages;
    get("back").disabled = page === 0;
    get("next").disabled = page >= pages - 1;
    document.querySelector(".pages").hidden = pages === 1;
  };

  for (const column of columns) {
    const label = element("label"), box = element("input");
    box.type = "checkbox";
    box.checked = column.shown;
    box.addEventListener("change", () => { column.shown = box.checked; show(); });
    label.append(box, " " + column.head);
    label.title = column.name;
    document.querySelector("#chooser div").append(label);
  }
  const turn = (step) => { page += step; show(); document.querySelector(".scroll").scrollTop = 0; };
  get("back").addEventListener("click", () => turn(-1));
  get("next").addEventListener("click", () => turn(1));
  get("filter").addEventListener("input", select);
  select();
})();
