// The events of a turn and what the run behind them did, on one axis: rows from top to bottom.

const runWords = {
  "run-started": "run begins",
  "model-called": "model",
  "tool-started": "server tool begins",
  "tool-ended": "server tool ends",
  "handed-off": "hand-off",
  "client-tool": "client tool asked for",
  "run-ended": "run ends",
};

const rowsOf = (turn) => {
  const rows = [];
  for (const stream of turn.streams) {
    const broken = turn.violations.filter((violation) => violation.stream === stream.number);
    const first = { kind: "request", stream, what: "request", text: stream.asked, payload: stream.params };
    first.violations = broken.filter((violation) => violation.event === null);
    rows.push(first);
    let next = 0;
    const runUntil = (event) => {
      while (next < stream.run.length && stream.run[next].after_event < event) {
        rows.push({ kind: "run", stream, step: stream.run[next], violations: [] });
        next += 1;
      }
    };
    for (const event of stream.events) {
      runUntil(event.number);
      const violations = broken.filter((each) => event.number <= each.event && each.event <= event.last);
      rows.push({ kind: "event", stream, event, violations });
    }
    runUntil(Infinity);
    const last = stream.events.at(-1)?.last ?? 0;
    rows.at(-1).violations.push(...broken.filter((each) => each.event > last));
    const plain = (what, text, bad) => rows.push({ kind: "note", stream, what, text, bad, violations: [] });
    stream.errors.forEach((error) => plain("exception", error, true));
    stream.notes.forEach((note) => plain("note", note, false));
    if (stream.ended !== "complete") plain("stream ends", stream.ended, stream.ended === "raised" || stream.ended === "limit");
    if (stream.call !== null) rows.push({ kind: "client", stream, call: stream.call, violations: [] });
  }
  return rows;
};

// Which bars run along the rows: runs, server tools, and client tools from the call to its output.
const barsOf = (rows) => {
  const bars = [];
  const open = new Map();
  const begin = (key, kind, at) => {
    const bar = { kind, from: at, to: rows.length - 1, dots: new Map() };
    open.set(key, bar);
    bars.push(bar);
  };
  const end = (key, at) => {
    const bar = open.get(key);
    if (bar) bar.to = at;
    open.delete(key);
  };
  rows.forEach((row, at) => {
    const number = row.stream.number;
    if (row.kind === "request") {
      // What the last stream left open ends with it; a client tool ends when its output is posted.
      for (const key of [...open.keys()]) end(key, key === "client" ? at : at - 1);
    } else if (row.kind === "run") {
      const step = row.step;
      const run = `run ${number} ${step.run}`;
      if (step.kind === "run-started") begin(run, step.side ? "side" : "run", at);
      if (step.kind === "tool-started") begin(`tool ${step.call}`, "tool", at);
      if (step.kind === "model-called") open.get(run)?.dots.set(at, "model");
      if (step.kind === "handed-off") open.get(run)?.dots.set(at, "hand");
      if (step.kind === "tool-ended") end(`tool ${step.call}`, at);
      if (step.kind === "run-ended") end(run, at);
    } else if (row.kind === "event" && row.stream.call?.item && row.event.item === row.stream.call.item) {
      if (!open.has("client")) begin("client", "client", at);
    } else if (row.kind === "client" && row.call.outcome !== "answered" && row.call.outcome !== "failed") {
      end("client", at);
    }
  });
  return placed(bars);
};

// Each bar gets the first column that is free while it lasts.
const placed = (bars) => {
  const ends = [];
  for (const bar of bars) {
    const free = ends.findIndex((end) => end < bar.from);
    bar.column = free === -1 ? ends.length : free;
    ends[bar.column] = bar.to;
  }
  return { bars, columns: ends.length };
};

const lanesAt = ({ bars, columns }, at) => {
  const lanes = make("span", { class: "lanes", "aria-hidden": "true" });
  lanes.style.setProperty("--columns", String(columns));
  for (const bar of bars) {
    if (bar.from > at || bar.to < at) continue;
    const lane = make("span", { class: `lane ${bar.kind}${bar.from === at ? " from" : ""}${bar.to === at ? " to" : ""}` });
    lane.style.setProperty("--column", String(bar.column + 1));
    if (bar.dots.has(at)) lane.append(make("span", { class: `dot ${bar.dots.get(at)}` }));
    lanes.append(lane);
  }
  return lanes;
};

const told = (row) => {
  switch (row.kind) {
    case "event":
      return [numberOf(row.event), row.event.type, row.event.text, row.event.payload];
    case "run": {
      const { step } = row;
      const payload = step.payload ?? undefined;
      return ["", `${runWords[step.kind]}${step.side ? " (beside)" : ""}`, [step.agent, step.text].filter(Boolean).join(": "), payload];
    }
    case "client": {
      const { call } = row;
      const text = `${call.text} ${call.outcome}${call.problem ? `: ${call.problem}` : ""}`;
      return ["", "client tool runs", text, { arguments: call.arguments, output: call.output }];
    }
    default:
      return ["", row.what, row.text, row.payload];
  }
};

const numberOf = (event) => (event.last > event.number ? `${event.number}–${event.last}` : String(event.number));

const drawRow = (row, at, lanes, id) => {
  const [number, what, text, payload] = told(row);
  const said = [make("span", { class: "what" }, what), " ", make("span", { class: "text", dir: "auto" }, text)];
  const words = [make("span", { class: "number" }, number, " "), make("span", { class: "words" }, said)];
  const bad = row.bad || row.step?.failed || row.event?.type === "error";
  const line =
    payload === undefined || payload === null
      ? make("div", { class: "line" }, words)
      : folding({ class: "line" }, words, () => [block(payload, `${what} in full`)]);
  const name = row.kind === "event" ? `${id}-${row.stream.number}-${row.event.number}` : undefined;
  return make(
    "li",
    { class: `row ${row.kind} ${row.step?.kind ?? ""}${bad ? " bad" : ""}`, id: name, "data-item": row.event?.item, tabindex: name && "-1" },
    lanesAt(lanes, at),
    line,
    row.violations.map(violationBox),
  );
};

const PIECE = 300; // rows that are drawn at once

const drawTimeline = (turn, id, until) => {
  const rows = rowsOf(turn);
  const lanes = barsOf(rows);
  const list = make("ol", { class: "timeline", "aria-label": "Events and run" });
  const more = make("button", { type: "button" });
  const draw = (count) => {
    const from = list.childElementCount;
    list.append(...rows.slice(from, from + count).map((row, at) => drawRow(row, from + at, lanes, id)));
    const left = rows.length - list.childElementCount;
    more.hidden = left === 0;
    more.textContent = `Show ${Math.min(left, PIECE)} more of ${counted(left, "row")}`;
  };
  more.addEventListener("click", () => draw(PIECE));
  const wanted = rows.findIndex((row) => row.kind === "event" && row.stream.number === until?.stream && row.event.last >= until.event);
  draw(Math.max(PIECE, wanted + 20));
  return [list, more];
};
