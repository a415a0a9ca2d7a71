// A turn as the user saw it.

const speakers = { user: "User", assistant: "Assistant", client: "Client tool" };

const drawChat = (turn) => {
  const items = turn.chat.map(drawItem);
  const streams = turn.streams.map((stream) => stream.ended).filter((ended) => ended !== "complete");
  if (items.length === 0) items.push(make("li", { class: "nothing" }, "Nothing that the user sees."));
  if (streams.length > 0) items.push(make("li", { class: "nothing" }, `The stream ended: ${streams.join(", ")}.`));
  return make("ol", { class: "chat", "aria-label": "Chat" }, items);
};

const itemKinds = {
  client_tool_call: "Client tool",
  widget: "Widget",
  workflow: "Workflow",
  task: "Task",
  generated_image: "Image",
  structured_input: "Question",
  notice: "Notice",
  error: "Error",
  effect: "Client effect",
  hidden_context_item: "Hidden",
  sdk_hidden_context: "Hidden",
  end_of_turn: "End of turn",
};

const drawItem = (item) => {
  const known = Object.hasOwn(itemKinds, item.kind) ? itemKinds[item.kind] : null;
  const who = known ?? (Object.hasOwn(speakers, item.who) ? speakers[item.who] : item.who);
  const head = make("p", { class: "who" }, who, item.note ? make("span", { class: "note" }, item.note) : null);
  const body = [];
  if (item.text) body.push(make("p", { class: "said", dir: "auto" }, item.text));
  if (item.widget !== null) body.push(make("div", { class: "widget" }, drawWidget(item.widget, 0)));
  if (item.lines.length > 0) body.push(make("ul", {}, item.lines.map((line) => make("li", { dir: "auto" }, line))));
  const classes = ["bubble", item.who, item.kind === "error" ? "error" : "", known === null ? "" : "card"];
  return make("li", { class: classes.filter(Boolean).join(" "), "data-item": item.item }, head, body);
};

const childrenOf = (widget) => {
  const children = widget.children ?? [];
  const list = Array.isArray(children) ? children : [children];
  const footer = ["confirm", "cancel"].filter((name) => widget[name]).map((name) => ({ type: "Button", ...widget[name] }));
  return [...list, ...footer];
};

const labelOf = (widget) =>
  ["label", "value", "title", "text", "alt", "placeholder", "src"].map((key) => widget[key]).find((text) => typeof text === "string") ?? "";

const drawWidget = (widget, depth) => {
  if (widget === null || typeof widget !== "object") return make("span", { dir: "auto" }, String(widget));
  if (depth > 40) return make("span", { class: "more" }, "… deeper");
  const type = String(widget.type ?? "?");
  const children = childrenOf(widget).map((child) => drawWidget(child, depth + 1));
  const label = labelOf(widget);
  const text = label ? make("span", { class: "label", dir: "auto" }, label) : null;
  switch (type) {
    case "Card": case "ListView": case "ListViewItem": case "Box": case "Col": case "Row": case "Form": case "Basic":
      return make("div", { class: `w w-${type}` }, type === "Card" && widget.status?.text ? make("p", { class: "label" }, widget.status.text) : null, children);
    case "Title": case "Text": case "Markdown": case "Caption": case "Label":
      return make("p", { class: `w w-${type}`, dir: "auto" }, label, children);
    case "Divider": case "Spacer":
      return make("div", { class: `w w-${type}` });
    case "Button":
      return make("span", { class: "w w-Button" }, label || "Button", children);
    case "Badge":
      return make("span", { class: "w w-Badge" }, label);
    default:
      return make("div", { class: "w w-other" }, make("span", { class: "type" }, type), " ", text, children);
  }
};
