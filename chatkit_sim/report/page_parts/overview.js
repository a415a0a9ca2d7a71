// The list of tests, with its filter and search.

const CARDS = 400; // tests that are listed at once
const HITS = 5; // turns that a search names for each test

const tests = readBlock("index");
const lowered = new Map();

const rawText = (id) => {
  if (!lowered.has(id)) lowered.set(id, rawBlock(id).toLowerCase());
  return lowered.get(id);
};

// What is searched is JSON, so the words are written as JSON has them.
const needle = (query) => JSON.stringify(query).slice(1, -1).replaceAll("<", "\\u003c").toLowerCase();

const matches = (entry, filter) => {
  if (filter.show && (filter.show === "warned" ? !entry.warned : entry.outcome !== filter.show)) return null;
  if (filter.rule && !entry.broken.some(([rule, status]) => `${status} ${rule}` === filter.rule)) return null;
  if (!filter.query) return [];
  const wanted = needle(filter.query);
  const hits = entry.turns.filter((turn) => rawText(`turn-${entry.id}-${turn[0]}`).includes(wanted));
  return hits.length > 0 || rawText(`test-${entry.id}`).includes(wanted) ? hits : null;
};

const drawCard = (entry, hits) => {
  const rules = new Map();
  for (const [rule, status] of entry.broken) {
    const key = `${status} ${rule}`;
    rules.set(key, (rules.get(key) ?? 0) + 1);
  }
  const chips = [...rules].map(([key, count]) => {
    const [status, rule] = key.split(" ");
    return make("span", { class: `chip ${status}` }, `${rule}${count > 1 ? ` × ${count}` : ""}`);
  });
  if (entry.changes > 0) chips.push(make("span", { class: "chip warning" }, `${counted(entry.changes, "snapshot")} to review`));
  for (const [rule, sameAs] of entry.findings) {
    if (sameAs) chips.push(make("span", { class: "chip expected" }, `${rule}: the same as in ${sameAs}`));
    else if (!rules.has(`failed ${rule}`)) chips.push(make("span", { class: "chip failed" }, rule));
  }
  const turnLink = (turn) =>
    make("li", {}, make("a", { href: linkTo({ test: entry.id, turn: turn[0] }) }, `Turn ${turn[1]}: ${turn[3]}`));
  const more = hits.length > HITS ? [make("li", {}, `and ${hits.length - HITS} more`)] : [];
  return make(
    "li",
    { class: `test ${entry.failed ? "failed" : ""}` },
    badge(entry.outcome),
    make(
      "div",
      {},
      make("a", { href: linkTo({ test: entry.id }) }, make("bdi", {}, entry.test)),
      make("p", { class: "about" }, [entry.title, entry.turns.length > 0 && counted(entry.turns.length, "turn")].filter(Boolean).join(" · ")),
      entry.why && chips.length === 0 ? make("p", { class: "why", dir: "auto" }, entry.why) : null,
      chips.length > 0 ? make("p", { class: "chips" }, chips) : null,
      hits.length > 0 ? make("ul", { class: "hits" }, hits.slice(0, HITS).map(turnLink), more) : null,
    ),
  );
};

const drawList = (filter) => {
  const list = document.getElementById("list");
  const more = document.getElementById("more");
  const shown = tests.map((entry) => [entry, matches(entry, filter)]).filter(([, hits]) => hits !== null);
  const turns = shown.reduce((count, [entry, hits]) => count + (filter.query ? hits.length : entry.turns.length), 0);
  document.getElementById("found").textContent = `${counted(shown.length, "test")}, ${counted(turns, "turn")}`;
  list.replaceChildren();
  const draw = () => {
    const from = list.childElementCount;
    list.append(...shown.slice(from, from + CARDS).map(([entry, hits]) => drawCard(entry, hits)));
    const left = shown.length - list.childElementCount;
    more.hidden = left === 0;
    more.textContent = `Show more (${left.toLocaleString("en")} left)`;
  };
  more.onclick = draw;
  draw();
};
