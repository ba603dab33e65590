// Shows only the cases that are asked for. Without this script the page shows all of them.
(() => {
  "use strict";
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const groups = [...document.querySelectorAll(".cases tbody")].map((body) => ({
    body,
    rows: [...body.querySelectorAll("tr[data-outcomes]")].map((row) => ({
      row,
      text: (row.id + " " + row.cells[0].textContent).toLowerCase(),
      outcomes: row.dataset.outcomes,
    })),
  }));
  const total = groups.reduce((sum, group) => sum + group.rows.length, 0);

  function apply() {
    const words = form.elements.words.value.toLowerCase().split(/\s+/);
    const outcome = form.elements.outcome.value;
    let count = 0;
    for (const { body, rows } of groups) {
      let any = false;
      for (const { row, text, outcomes } of rows) {
        const show = outcomes.includes(outcome) && words.every((word) => text.includes(word));
        row.hidden = !show;
        any = any || show;
        count += show;
      }
      body.hidden = !any;
    }
    shown.textContent = count === total ? "" : `${count} of ${total} shown`;
  }

  // A link to a case that is filtered away shows it again.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.hidden) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
  }

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  apply(); // a reloaded page keeps what was typed
})();
