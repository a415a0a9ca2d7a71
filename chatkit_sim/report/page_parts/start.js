// What the address says is shown: #test=ID&turn=N&stream=N&event=N, #query=...&show=...&rule=..., or a section.

const overview = document.getElementById("overview");
const testView = document.getElementById("test");
const form = document.getElementById("filter");
const title = document.title;

const show = () => {
  const hash = location.hash.slice(1);
  if (hash === "main") return;
  const facts = new URLSearchParams(hash);
  const entry = tests.find((each) => each.id === facts.get("test"));
  testView.hidden = entry === undefined;
  overview.hidden = entry !== undefined;
  if (entry === undefined) showOverview(facts, hash);
  else showTest(entry, facts);
};

const showTest = (entry, facts) => {
  if (testView.dataset.test !== entry.id) {
    nearby.disconnect();
    waiting.clear();
    testView.replaceChildren(...drawTest(entry));
    testView.dataset.test = entry.id;
  }
  document.title = `${entry.test} · ${title}`;
  const section = document.getElementById(`turn-${Number(facts.get("turn"))}`);
  if (section === null) {
    scrollTo(0, 0);
    document.getElementById("test-title").focus({ preventScroll: true });
    return;
  }
  const until = { stream: Number(facts.get("stream")), event: Number(facts.get("event")) };
  drawNow(section, until);
  goTo(eventRow(section, until) ?? document.getElementById(`turn-title-${section.dataset.turn}`));
};

// The row of an event; text deltas stand in one row.
const eventRow = (section, until) => {
  const rows = [...section.querySelectorAll(`[id^="event-${section.dataset.turn}-${until.stream}-"]`)];
  return rows.filter((row) => Number(row.id.split("-").at(-1)) <= until.event).at(-1);
};

const goTo = (element) => {
  document.querySelectorAll(".target").forEach((each) => each.classList.remove("target"));
  element.classList.add("target");
  element.scrollIntoView({ block: element.matches("h3") ? "start" : "center" });
  element.focus({ preventScroll: true });
};

const showOverview = (facts, hash) => {
  document.title = title;
  form.elements.query.value = facts.get("query") ?? "";
  form.elements.rule.value = facts.get("rule") ?? "";
  form.elements.show.value = facts.get("show") ?? "";
  drawList(filter());
  const known = ["tests", "snapshots", "coverage"].includes(hash) || /^change-\d+$/.test(hash);
  const section = known ? document.getElementById(hash) : null;
  if (section !== null) {
    section.scrollIntoView();
    section.focus({ preventScroll: true });
  }
};

const filter = () => ({
  query: form.elements.query.value.trim(),
  rule: form.elements.rule.value,
  show: form.elements.show.value,
});

// The filter stands in the address, so that a list can be sent to somebody, and "back" leads to it.
const filterChanged = () => {
  const chosen = Object.entries(filter()).filter(([, value]) => value !== "");
  history.replaceState(null, "", linkTo(Object.fromEntries(chosen)));
  drawList(filter());
};

let typing = 0;
form.addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(filterChanged, event.target === form.elements.query ? 150 : 0);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  filterChanged();
});

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("button.copy") : null;
  if (button === null) return;
  const command = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(command.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(command);
    button.textContent = "Selected: press Ctrl+C";
  }
});

testView.addEventListener("pointerover", pointAt);
testView.addEventListener("focusin", pointAt);
addEventListener("hashchange", show);
show();
