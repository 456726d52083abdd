// The search: every word must occur; titles count most. The index is loaded when it is needed.
"use strict";
var searchIndex;
(() => {
  const root = document.documentElement.dataset.root;
  const form = document.querySelector("header form"), input = form.querySelector("input");
  const found = document.getElementById("found");
  let entries, loading;

  // group_norm, GroupNorm and "group norm" are the same words.
  const plain = text =>
    text.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[_:.]+/g, " ").toLowerCase();

  function load() {
    loading ||= new Promise(done => {
      const script = document.createElement("script");
      script.src = root + "/search-index.js";
      script.onload = () => {
        entries = searchIndex.map(([title, where, url, text]) =>
          ({title, where, url, text, name: plain(title), near: plain(where), words: plain(text)}));
        done();
      };
      document.head.append(script);
    });
    return loading;
  }

  function score(entry, query, words) {
    let sum = entry.name === query ? 100 : entry.name.endsWith(" " + query) ? 40
      : entry.name.startsWith(query) ? 30 : entry.name.includes(query) ? 20
      : entry.words.includes(query) ? 10 : 0;
    for (const word of words) {
      if (entry.name.includes(word)) sum += 5;
      else if (entry.near.includes(word)) sum += 2;
      else if (entry.words.includes(word)) sum += 1;
      else return 0;
    }
    if (!entry.where) sum += 8;  // a whole page
    if (!/\.h\.html/.test(entry.url)) sum += entry.words.includes(query) ? 18 : 3;
    return sum + 5 / (5 + entry.name.length);
  }

  function excerpt(entry, word) {
    const place = Math.max(0, entry.text.toLowerCase().indexOf(word));
    const start = place < 60 ? 0 : entry.text.indexOf(" ", place - 50) + 1;
    return (start ? "… " : "") + entry.text.slice(start, start + 140);
  }

  function show() {
    const query = plain(input.value).trim().replace(/\s+/g, " "), words = query.split(" ");
    found.replaceChildren();
    found.hidden = !query;
    found.dataset.query = query;
    if (!query) return;
    const best = entries.map(entry => [score(entry, query, words), entry])
      .filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]).slice(0, 30);
    for (const [, entry] of best) {
      const link = document.createElement("a"), title = document.createElement("b");
      const where = document.createElement("small"), text = document.createElement("span");
      link.href = root + "/" + entry.url;
      title.textContent = entry.title;
      where.textContent = entry.where;
      text.textContent = excerpt(entry, words[0]);
      link.append(title, " ", where, text);
      found.append(link);
    }
    if (!best.length) found.textContent = "Nothing found.";
  }

  function move(step) {
    const links = [...found.querySelectorAll("a")], now = links.indexOf(document.activeElement);
    const next = now + step;
    if (next < 0) input.focus();
    else links[Math.min(next, links.length - 1)]?.focus();
  }

  const current = document.querySelector("#menu [aria-current]");
  if (current) current.closest("nav").scrollTop = current.offsetTop - 150;
  form.hidden = false;
  input.addEventListener("focus", load);
  input.addEventListener("input", () => load().then(show));
  form.addEventListener("submit", event => {
    event.preventDefault();
    found.querySelector("a")?.click();
  });
  found.addEventListener("click", event => {
    if (event.target.closest("a")) found.hidden = true;
  });
  document.addEventListener("click", event => {
    if (!form.contains(event.target)) found.hidden = true;
  });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") found.hidden = true;
    if (event.key === "/" && document.activeElement !== input) {
      event.preventDefault();
      input.focus();
    }
    if (!form.contains(document.activeElement) || found.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
  });
})();
