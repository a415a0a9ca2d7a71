// A test: why it failed, and its conversations turn by turn.

const rowHeight = 1.9; // rem, of a turn that is not drawn yet

const drawTest = (entry) => {
  const record = readBlock(`test-${entry.id}`);
  const place = record.line ? `${record.file}:${record.line}` : record.file;
  const conversations = new Map();
  for (const turn of entry.turns) {
    if (!conversations.has(turn[2])) conversations.set(turn[2], []);
    conversations.get(turn[2]).push(turn);
  }
  const parts = [
    make("p", { class: "back" }, make("a", { href: "#tests" }, "← All tests")),
    make("h1", { tabindex: "-1", id: "test-title" }, badge(record.outcome), " ", make("bdi", {}, record.test)),
    make("p", { class: "about" }, [record.title, place, `${record.seconds} s`, entry.turns.length > 0 && counted(entry.turns.length, "turn")].filter(Boolean).join(" · ")),
    drawWhy(entry, record),
    entry.turns.length > 0 ? legend() : "",
  ];
  let number = 0;
  for (const turns of conversations.values()) {
    number += 1;
    parts.push(drawConversation(entry, number, conversations.size, turns));
  }
  return parts;
};

const drawWhy = (entry, record) => {
  const parts = [];
  const broken = entry.turns.flatMap((turn) => (turn[5] === "" ? [] : violationsOf(entry, turn)));
  const links = broken.map(({ turn, violation }) =>
    make("li", {}, badge(violation.status), " ", make("a", { href: violationLink(entry, turn, violation) }, `${violation.rule}, ${placeOf(violation)}`)),
  );
  if (links.length > 0) parts.push(make("h2", {}, "Rules broken"), make("ul", { class: "broken" }, links));
  if (record.violations.length > 0) parts.push(make("h2", {}, "About the whole test"), record.violations.map(violationBox));
  parts.push(...drawChanges(entry), ...drawFindings(record));
  if (record.message) {
    const open = links.length === 0 && record.violations.length === 0 && record.findings.length === 0;
    const message = folding({ class: "message", open: open }, ["What pytest says"], () => [block(record.message, "What pytest says")]);
    if (open) message.append(block(record.message, "What pytest says"));
    parts.push(message);
  }
  if (record.parts.length > 0) {
    const bad = record.parts.filter((part) => part.outcome !== "passed");
    const shown = bad.map((part) => make("li", {}, badge(part.outcome), ` ${part.name} `, part.message ? block(part.message, part.name) : null));
    const said = `${counted(record.parts.length, "subtest")}, ${bad.length} not passed`;
    parts.push(make("details", { class: "message", open: bad.length > 0 }, make("summary", {}, said), make("ul", { class: "broken" }, shown)));
  }
  return make("section", { "aria-label": "Outcome" }, parts);
};

// Where the snapshots of a test stand that are to be reviewed.
const drawChanges = (entry) => {
  const changes = [...document.querySelectorAll(".change")].filter((each) => each.dataset.test === entry.test);
  const link = (change) => make("a", { href: `#${change.querySelector("h3").id}` }, "what it saw, beside its golden file");
  return changes.map((change) => make("p", {}, "A snapshot is to be reviewed: ", link(change)));
};

// What a campaign found: its story, and the test to paste.
const drawFindings = (record) => {
  if (record.findings.length === 0) return [];
  const campaign = (name) => tests.find((each) => each.test.endsWith(`::${name}`));
  return [make("h2", {}, counted(record.findings.length, "bug")), ...record.findings.map((found) => drawFinding(found, campaign))];
};

const drawFinding = (found, campaign) => {
  const same = found.same_as ? campaign(found.same_as) : undefined;
  const title = make("h3", {}, found.rule);
  if (found.same_as) {
    const where = same ? make("a", { href: linkTo({ test: same.id }) }, found.same_as) : found.same_as;
    return make("section", { class: "finding" }, title, make("p", {}, "The same as in ", where, "."));
  }
  const story = found.text.split("\n\nAs a test")[0];
  const parts = [title, block(story, `How ${found.rule} was broken`)];
  if (found.test) {
    const copy = make("button", { type: "button", class: "copy", "aria-label": `Copy the test of ${found.rule}` }, "Copy");
    const code = make("code", { dir: "ltr", tabindex: "0", role: "region", "aria-label": `Test of ${found.rule}` }, found.test);
    parts.push(
      make("div", { class: "command" }, make("p", {}, "As a test", found.file ? make("span", { class: "about" }, ` also in ${found.file}`) : null), code, copy),
    );
  }
  return make("section", { class: "finding" }, parts);
};

const MANY = 200; // turns whose violations are listed at the top

const violationsOf = (entry, turn) => {
  if (entry.turns.indexOf(turn) >= MANY && turn[5] !== "failed") return [];
  return readBlock(`turn-${entry.id}-${turn[0]}`).violations.map((violation) => ({ turn, violation }));
};

const violationLink = (entry, turn, violation) => {
  const facts = { test: entry.id, turn: turn[0] };
  if (violation.event !== null) Object.assign(facts, { stream: violation.stream, event: violation.event });
  return linkTo(facts);
};

const legend = () =>
  make(
    "p",
    { class: "legend" },
    ["run", "side", "tool", "client"].map((kind, at) =>
      make("span", {}, make("span", { class: `key ${kind}`, "aria-hidden": "true" }), ["run", "run beside the stream", "server tool", "client tool"][at]),
    ),
    make("span", {}, make("span", { class: "key dot", "aria-hidden": "true" }), "model call"),
  );

const drawConversation = (entry, number, count, turns) => {
  const id = `conversation-${number}`;
  const title = count > 1 ? `Conversation ${number}` : "Conversation";
  const thread = turns[0][2];
  return make(
    "section",
    { class: "conversation", "aria-labelledby": id },
    make("h2", { id }, title, thread ? make("span", { class: "about" }, " ", make("bdi", {}, thread)) : null),
    turns.map((turn) => drawTurn(entry, turn)),
  );
};

const drawTurn = (entry, turn) => {
  const [index, number, , asked, steps, worst] = turn;
  const link = make("a", { href: linkTo({ test: entry.id, turn: index }), "aria-label": `Link to turn ${number}` }, "#");
  const title = make("h3", { id: `turn-title-${index}`, tabindex: "-1" }, `Turn ${number} `, make("span", { class: "about", dir: "auto" }, asked));
  const body = make("div", { class: "body" });
  body.style.setProperty("min-height", `${Math.min(steps + 2, 60) * rowHeight}rem`);
  const section = make(
    "section",
    { class: "turn", id: `turn-${index}`, "aria-labelledby": `turn-title-${index}` },
    make("div", { class: "turn-head" }, title, worst ? badge(worst) : null, link),
    body,
  );
  section.dataset.turn = String(index);
  waiting.set(section, (until) => {
    const record = readBlock(`turn-${entry.id}-${index}`);
    const whole = record.violations.filter((violation) => violation.stream === null);
    const timeline = make("div", { class: "events" }, make("h4", {}, "Events and run"), whole.map(violationBox), drawTimeline(record, `event-${index}`, until));
    const notes = record.notes.map((note) => make("p", { class: "note" }, note));
    body.replaceChildren(make("div", { class: "said-side" }, make("h4", {}, "Chat"), drawChat(record), notes), timeline);
    body.style.removeProperty("min-height");
  });
  nearby.observe(section);
  return section;
};

const waiting = new Map();

const drawNow = (section, until) => {
  const draw = waiting.get(section);
  waiting.delete(section);
  nearby.unobserve(section);
  draw?.(until);
};

const nearby = new IntersectionObserver(
  (seen) => seen.filter((each) => each.isIntersecting).forEach((each) => drawNow(each.target)),
  { rootMargin: "600px" },
);

// Pointing at what the user saw points at the events that made it, and the other way round.
const pointAt = (event) => {
  const found = event.target instanceof Element ? event.target.closest("[data-item]") : null;
  const body = found?.closest(".body");
  document.querySelectorAll(".pointed").forEach((each) => each.classList.remove("pointed"));
  if (!body) return;
  for (const each of body.querySelectorAll("[data-item]")) {
    if (each.dataset.item === found.dataset.item) each.classList.add("pointed");
  }
};
