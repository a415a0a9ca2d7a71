// Everything that is shown comes from servers, models and users: it is only ever set as text.

const make = (name, attributes, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== null && value !== false && value !== "") {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};

const readBlock = (id) => {
  const block = document.getElementById(id);
  return block === null ? null : JSON.parse(block.textContent);
};

const rawBlock = (id) => document.getElementById(id)?.textContent ?? "";

const badge = (word) => make("span", { class: `badge ${word}` }, word);

const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

const linkTo = (facts) => `#${new URLSearchParams(facts)}`;

// A part that is drawn when it is opened.
const folding = (attributes, summary, draw) => {
  const details = make("details", attributes, make("summary", {}, ...summary));
  const fill = () => {
    if (details.open && details.childElementCount === 1) details.append(...draw());
  };
  details.addEventListener("toggle", fill);
  return details;
};

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

const block = (value, label) =>
  make("pre", { tabindex: "0", role: "region", "aria-label": label, dir: "auto" }, asText(value));

const placeOf = (violation) =>
  ["turn", "stream", "event"]
    .filter((name) => violation[name] !== null)
    .map((name) => `${name} ${violation[name]}`)
    .join(", ") || "the whole test";

const statusWords = {
  failed: "rule broken",
  warning: "warning",
  expected: "broken, as the test expects",
  ignored: "broken and ignored",
};

const violationBox = (violation) =>
  make(
    "div",
    { class: `violation ${violation.status}`, role: "note", "aria-label": `${statusWords[violation.status]}: ${violation.rule}` },
    make("p", { class: "rule" }, make("strong", {}, violation.rule), " ", make("span", {}, statusWords[violation.status])),
    make("p", { dir: "auto" }, violation.reason),
    violation.details.map((detail) => make("p", { class: "detail", dir: "auto" }, detail)),
    violation.ignored_by ? make("p", { class: "detail" }, `Ignored by ${violation.ignored_by}`) : null,
    violation.upstream ? make("p", { class: "detail" }, "A known defect of the SDKs, not of the server.") : null,
    violation.remedy ? make("p", { class: "remedy", dir: "auto" }, make("strong", {}, "Remedy: "), violation.remedy) : null,
  );
